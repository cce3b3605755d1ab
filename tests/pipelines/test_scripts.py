"""The shell scripts that chain trainings, in place of a workflow engine."""

import json
import subprocess
from pathlib import Path

from tests.pipelines.conftest import ROOT


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
