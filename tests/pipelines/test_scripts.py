"""The shell scripts that chain trainings, in place of a workflow engine."""

import json
import subprocess
from pathlib import Path

from tests.pipelines.conftest import PIPELINES, ROOT

CALLED = """#!/usr/bin/env bash
echo "$*" >> calls
while [ "$1" != --out ]; do shift; done
touch "$2"
"""


def test_rounds_are_made_measured_and_told_and_made_once(chain: Path, environment: dict[str, str]) -> None:
    words = ["bash", str(ROOT / "examples" / "rounds.sh"), "nt.pt", "2", "--k", "1", "--epochs", "1"]
    (chain / "nt_cl.pt").unlink()
    subprocess.run(words, cwd=chain, env=environment, check=True)
    show = subprocess.run(["clcap", "show", "nt_cl2.pt"], cwd=chain, env=environment, check=True, capture_output=True)
    assert b"swap-reference" in show.stdout
    for name in ("nt", "nt_cl", "nt_cl2"):
        assert json.loads((chain / f"{name}.metrics.json").read_text())["figures"]["images"] == 10
    assert (chain / "nt_rounds.html").exists()
    made = (chain / "nt_cl2.pt").stat().st_mtime_ns
    subprocess.run(words, cwd=chain, env=environment, check=True)
    assert (chain / "nt_cl2.pt").stat().st_mtime_ns == made


def test_options_in_the_place_of_rounds_are_refused(tmp_path: Path) -> None:
    words = ["bash", str(ROOT / "examples" / "rounds.sh"), "nt.pt", "--epochs", "3"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: ROUNDS is '--epochs'; a number comes before options of train-cl\n"


def test_the_experiments_are_those_of_the_tables(tmp_path: Path, environment: dict[str, str]) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "clcap").write_text(CALLED)
    (tools / "clcap").chmod(0o755)
    calls = {**environment, "PATH": f"{tools}:{environment['PATH']}", "SEEDS": "1 2"}
    words = ["bash", str(ROOT / "examples" / "experiments.sh"), "captions.h5", "features.h5", "made"]
    for _ in range(2):
        subprocess.run(words, cwd=tmp_path, env=calls, check=True)
    tables = json.loads((PIPELINES / "tables.json").read_text())
    rows = {row for table in tables if table["name"] != "negatives" for row in table["rows"].values()}
    for what in ("pt", "retrieval.json", "metrics.json"):
        assert {f"{row.format(seed=seed)}.{what}" for row in rows for seed in (1, 2)} <= names(tmp_path / "made")
    trained = [call for call in (tmp_path / "calls").read_text().splitlines() if call.startswith("train-")]
    assert len(trained) == len(set(trained)) == 2 * len(rows)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
