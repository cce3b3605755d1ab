"""The kept epoch in reports is that of the checkpoint."""

from pathlib import Path

import pytest

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.kept_epoch import kept_epoch
from tests.reporting.conftest import image

DATA = Path(__file__).parents[1] / "data"


FILES = (
    "version1/*.retrieval.json",
    "version2/*.retrieval.json",
    "version3/*.retrieval.json",
    "version3/*.metrics.json",
)


@pytest.mark.parametrize("pattern", FILES)
def test_files_of_earlier_versions_know_the_kept_epoch(pattern: str) -> None:
    files = sorted(DATA.glob(pattern))
    checked = 0
    for run in open_runs(files):
        checkpoint = run.path.with_name(f"{run.name}.pt")
        if run.log and checkpoint.exists():
            assert kept_epoch(run) == open_checkpoint(checkpoint).training["best_epoch"]
            checked += 1
    assert checked >= 2


def test_a_damaged_checkpoint_is_no_error(write, log, tmp_path: Path) -> None:
    log("nt.log.jsonl", [{"epoch": 1, "val_loss": 1.0}])
    path = write("nt.retrieval.json", [image(1, "a dog", rank=1)], {"R@1": 1.0})
    (tmp_path / "nt.pt").write_bytes(b"PK")
    (run,) = open_runs([path])
    assert kept_epoch(run) is None
