import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / "pipelines").glob("*.smk"))
CONFIGURATIONS = sorted((ROOT / "pipelines" / "config").glob("*.yaml"))


def test_there_are_workflows() -> None:
    assert WORKFLOWS and CONFIGURATIONS


@pytest.mark.skipif(
    shutil.which("snakemake") is None, reason="Snakemake is not installed: pip install 'clcap[pipelines]'"
)
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda path: path.name)
def test_a_dry_run_finds_every_step(workflow: Path, configuration: Path, tmp_path: Path) -> None:
    words = ["snakemake", "-s", str(workflow), "--configfile", str(configuration), "--dry-run", "--cores", "1"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for rule in ("prepare_captions", "extract_features", "train_mle", "train_cl", "self_retrieve", "evaluate"):
        assert f"rule {rule}:" in done.stdout + done.stderr
