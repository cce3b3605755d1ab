"""Snakemake as a function, in a folder of the test's own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIPELINES = ROOT / "pipelines"
TINY = Path(__file__).with_name("tiny.yaml")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a shell has where clcap is installed, and nothing of the person who runs the tests."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": tools, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.fixture
def words(tmp_path: Path) -> Callable[..., list[str]]:
    """The words of a command line: targets and options first, then the keys that are set."""

    def of(configuration: Path, *more: str, **keys: object) -> list[str]:
        setting = [f"{key}={value}" for key, value in {"folder": tmp_path / "made", **keys}.items()]
        start = [sys.executable, "-m", "snakemake", "-s", str(PIPELINES / "Snakefile"), *more]
        return [*start, "--configfile", str(configuration), "--config", *setting]

    return of


@pytest.fixture
def snakemake(
    tmp_path: Path, environment: dict[str, str], words: Callable[..., list[str]]
) -> Callable[..., subprocess.CompletedProcess]:
    def run(configuration: Path, *more: str, **keys: object) -> subprocess.CompletedProcess:
        command = words(configuration, *more, **keys)
        return subprocess.run(command, cwd=tmp_path, env=environment, text=True, stdout=-1, stderr=subprocess.STDOUT)

    return run
