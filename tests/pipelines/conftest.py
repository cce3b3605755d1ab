"""Snakemake as a function that runs in a temporary folder."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.pipelines.snakemake_process import run_snakemake

ROOT = Path(__file__).resolve().parents[2]
PIPELINES = ROOT / "pipelines"
TINY = Path(__file__).with_name("tiny.yaml")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Environment of a shell in which clcap is installed, without the home folder of the user who runs the tests."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": tools, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.fixture
def arguments(tmp_path: Path) -> Callable[..., list[str]]:
    """Arguments of Snakemake: targets and options first, then the configuration file and the keys that are set."""

    def arguments(configuration: Path, *targets_and_options: str, **keys: object) -> list[str]:
        settings = [f"{key}={value}" for key, value in {"folder": tmp_path / "made", **keys}.items()]
        start = ["-s", str(PIPELINES / "Snakefile"), *targets_and_options]
        return [*start, "--configfile", str(configuration), "--config", *settings]

    return arguments


@pytest.fixture
def snakemake(
    tmp_path: Path, environment: dict[str, str], arguments: Callable[..., list[str]]
) -> Callable[..., CompletedProcess]:
    """Run Snakemake; the result has its exit status and its output."""

    def run(configuration: Path, *targets_and_options: str, **keys: object) -> CompletedProcess:
        return run_snakemake(arguments(configuration, *targets_and_options, **keys), tmp_path, environment)

    return run
