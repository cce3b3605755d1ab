"""The shell scripts of examples/."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.pipelines.conftest import ROOT

RECORDER = """#!/usr/bin/env bash
echo "$*" >> calls
while [ $# -gt 0 ] && [ "$1" != --out ]; do shift; done
[ $# = 0 ] || touch "$2"
"""
"""A stand-in for clcap that records its arguments and creates its output."""
ROUNDS = ["bash", str(ROOT / "examples" / "rounds.sh")]


def test_rounds_are_trained_and_measured_once(chain: Path, environment, clcap, monkeypatch) -> None:
    """The script runs with a clcap that records its arguments; the recorded commands then run in this process."""
    (chain / "nt_cl.pt").unlink()
    annotations = chain / "notes"
    calls = environment_with_recorder(annotations, environment)
    for _ in range(2):
        subprocess.run([*ROUNDS, "nt.pt", "2", "--k", "1", "--epochs", "1"], cwd=annotations, env=calls, check=True)
    *made, report, again = (annotations / "calls").read_text().splitlines()
    assert report == again and len(made) == len(set(made)) == 12
    monkeypatch.chdir(chain)
    for call in [*made, report]:
        result = clcap(*call.split())
        assert result.status == 0, result.err
    assert "swap-reference" in clcap("show", "nt_cl2.pt").out
    assert {"nt.metrics.json", "nt_cl.metrics.json", "nt_cl2.metrics.json", "nt_rounds.html"} <= names(chain)


def test_options_instead_of_a_number_of_rounds_are_refused(tmp_path: Path) -> None:
    process = subprocess.run([*ROUNDS, "nt.pt", "--epochs", "3"], cwd=tmp_path, capture_output=True, text=True)
    assert process.returncode == 2
    assert process.stderr.startswith("error: ROUNDS is '--epochs'; a number comes before options of train-cl\nusage: ")


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("human_judgement", [], "an argument is missing"),
        ("human_judgement", ["e", "t", "--metrics", "CIDEr"], "unexpected option '--metrics'"),
        ("human_judgement", ["e", "t", "f", "g"], "unexpected argument 'g'"),
        ("human_judgement", ["e", "t", "--", "--out", "x"], "--out is set by this script"),
        ("human_judgement", ["e", "t", "f", "--", "--predictions=x"], "--predictions is set by this script"),
        ("human_judgement", ["e", "t", "--", "--help"], "with --help, nothing would be scored"),
        ("coco", ["dataset.json"], "an argument is missing"),
        ("coco", ["dataset.json", ""], "an argument is empty"),
        ("own_images", ["nt.pt"], "an argument is missing"),
        ("rounds", [], "an argument is missing"),
        ("quickstart", ["--help"], "unexpected option '--help'"),
        ("smoke", ["a", "b"], "unexpected argument 'b'"),
        ("setup", ["--help"], "unexpected option '--help'"),
    ],
)
def test_wrong_arguments_of_a_script(script: str, arguments: list[str], message: str, tmp_path: Path) -> None:
    words = ["bash", str(ROOT / "examples" / f"{script}.sh"), *arguments]
    process = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    first, usage = process.stderr.splitlines()
    assert process.returncode == 2 and first == f"error: {message}"
    assert usage.startswith(f"usage: bash examples/{script}.sh ")
    assert not names(tmp_path)


@pytest.mark.parametrize(
    "script", ["quickstart.sh", "own_images.sh nt.pt photo.jpg", "rounds.sh nt.pt 1", "coco.sh a b"]
)
def test_scripts_use_the_clcap_of_their_checkout(tmp_path: Path, script: str) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "examples", checkout / "examples")
    write_recorder(checkout / ".venv" / "bin")
    name, *arguments = script.split()
    command = ["bash", str(checkout / "examples" / name), *arguments]
    for _ in range(2):
        process = subprocess.run(command, cwd=tmp_path, env={"PATH": os.defpath}, capture_output=True, text=True)
        assert process.returncode == 0, process.stderr
    assert (tmp_path / "calls").read_text()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def environment_with_recorder(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """The environment with the recorder as its clcap, which is written to ``folder``."""
    write_recorder(folder / "tools")
    return {**environment, "PATH": f"{folder / 'tools'}:{environment['PATH']}"}


def write_recorder(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "clcap").write_text(RECORDER)
    (folder / "clcap").chmod(0o755)
