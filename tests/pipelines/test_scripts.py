"""The shell scripts that chain trainings, in place of a workflow engine."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.pipelines.conftest import PIPELINES, ROOT

RECORDED = """#!/usr/bin/env bash
echo "$*" >> calls
while [ $# -gt 0 ] && [ "$1" != --out ]; do shift; done
[ $# = 0 ] || touch "$2"
"""
"""A clcap that only notes its words and makes its output."""
ROUNDS = ["bash", str(ROOT / "examples" / "rounds.sh")]


def test_rounds_are_trained_and_measured_once(chain: Path, environment, clcap, monkeypatch) -> None:
    """The script runs with a clcap that notes its words; these then run in this process, which starts faster."""
    (chain / "nt_cl.pt").unlink()
    notes = chain / "notes"
    calls = with_recorder(notes, environment)
    for _ in range(2):
        subprocess.run([*ROUNDS, "nt.pt", "2", "--k", "1", "--epochs", "1"], cwd=notes, env=calls, check=True)
    *made, report, again = (notes / "calls").read_text().splitlines()
    assert report == again and len(made) == len(set(made)) == 12
    monkeypatch.chdir(chain)
    for call in [*made, report]:
        answer = clcap(*call.split())
        assert answer.status == 0, answer.err
    assert "swap-reference" in clcap("show", "nt_cl2.pt").out
    assert {"nt.metrics.json", "nt_cl.metrics.json", "nt_cl2.metrics.json", "nt_rounds.html"} <= names(chain)


def test_options_instead_of_a_number_of_rounds_are_refused(tmp_path: Path) -> None:
    done = subprocess.run([*ROUNDS, "nt.pt", "--epochs", "3"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: ROUNDS is '--epochs'; a number comes before options of train-cl\n"


def test_experiments_sh_trains_the_runs_of_the_tables(tmp_path: Path, environment: dict[str, str]) -> None:
    calls = {**with_recorder(tmp_path, environment), "SEEDS": "1 2"}
    words = ["bash", str(ROOT / "examples" / "experiments.sh"), "captions.h5", "features.h5", "made"]
    for _ in range(2):
        subprocess.run(words, cwd=tmp_path, env=calls, check=True)
    tables = json.loads((PIPELINES / "tables.json").read_text())
    rows = {row for table in tables if table["name"] != "negatives" for row in table["rows"].values()}
    for what in ("pt", "retrieval.json", "metrics.json"):
        assert {f"{row.format(seed=seed)}.{what}" for row in rows for seed in (1, 2)} <= names(tmp_path / "made")
    trained = [call for call in (tmp_path / "calls").read_text().splitlines() if call.startswith("train-")]
    assert len(trained) == len(set(trained)) == 2 * len(rows)


@pytest.mark.parametrize(
    "script", ["quickstart.sh", "own_images.sh nt.pt photo.jpg", "rounds.sh nt.pt 1", "coco.sh a b"]
)
def test_scripts_use_the_clcap_of_their_checkout(tmp_path: Path, script: str) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "examples", checkout / "examples")
    write_recorder(checkout / ".venv" / "bin")
    name, *words = script.split()
    command = ["bash", str(checkout / "examples" / name), *words]
    for _ in range(2):
        done = subprocess.run(command, cwd=tmp_path, env={"PATH": os.defpath}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "calls").read_text()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def with_recorder(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """The environment with the recorder as its clcap; ``folder`` is made if need be."""
    write_recorder(folder / "tools")
    return {**environment, "PATH": f"{folder / 'tools'}:{environment['PATH']}"}


def write_recorder(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "clcap").write_text(RECORDED)
    (folder / "clcap").chmod(0o755)
