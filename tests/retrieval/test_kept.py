"""A search that is stopped and continued has the ranks of one that is not."""

from pathlib import Path

import pytest
import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.features import open_features
from clcap_cli.artifacts.partial_ranks import PartialFiles, PartialRanks
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.compute import processes
from clcap_cli.errors import ClcapError
from clcap_cli.features.stored import StoredFeatures
from clcap_cli.retrieval import kept, tree_walk
from clcap_cli.retrieval.kept import KEEPS_NOTHING, KeepsFiles, KeepsNothing
from clcap_cli.retrieval.search import SearchResult, find_ranks


class StopsAfter(KeepsFiles):
    """Stops the search after some blocks."""

    def __init__(self, files: PartialFiles, blocks: int):
        super().__init__(files)
        self.blocks = blocks

    def after_block(self, partial: PartialRanks) -> None:
        super().after_block(partial)
        self.blocks -= 1
        if not self.blocks:
            raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_walk, "CHUNK_IMAGES", 2)
    monkeypatch.setattr(kept, "SECONDS_BETWEEN_FILES", 0.0)


def searched(chain: Path, keeps: KeepsNothing = KEEPS_NOTHING) -> SearchResult:
    model = open_checkpoint(chain / "nt.pt").captioner(torch.device("cpu"))
    features = open_features(chain / "features.h5")
    source = StoredFeatures(features, features.ids[:12], model)
    draw = torch.Generator().manual_seed(0)
    captions, lengths = torch.randint(2, 5, (10, 4), generator=draw), torch.randint(0, 5, (10,), generator=draw)
    return find_ranks(model, source, captions, lengths, num_best=3, kept=keeps)


def files(folder: Path, **settings: object) -> PartialFiles:
    return PartialFiles(folder / "nt.retrieval.json", Origin("self-retrieve", settings))


@pytest.mark.parametrize("stops", [[1], [2, 1], [3, 2]])
def test_a_stopped_search_is_continued(shared_chain: Path, tmp_path: Path, stops: list[int]) -> None:
    whole = searched(shared_chain)
    for blocks in stops:
        with pytest.raises(KeyboardInterrupt):
            searched(shared_chain, StopsAfter(files(tmp_path), blocks))
    counted = []
    monitor = KeepsFiles(files(tmp_path))
    monitor.after_block = counted.append  # type: ignore[method-assign]
    continued = searched(shared_chain, monitor)
    assert len(counted) == 6 - sum(stops)
    assert torch.equal(continued.ranks.better, whole.ranks.better)
    assert torch.equal(continued.ranks.tied, whole.ranks.tied)
    assert torch.equal(continued.best.image, whole.best.image)


def test_files_of_several_processes_are_joined(
    shared_chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second process of two is stopped at its end; one process then computes only the images of the first."""
    whole = searched(shared_chain)
    monkeypatch.setattr("clcap_cli.retrieval.search.processes", lambda: processes.Processes(1, 2))
    monkeypatch.setattr("clcap_cli.retrieval.kept.processes", lambda: processes.Processes(1, 2))
    with pytest.raises(KeyboardInterrupt):
        searched(shared_chain, StopsAfter(files(tmp_path), 3))
    assert [path.name for path in files(tmp_path).paths] == ["nt.retrieval.partial-00002.pt"]
    monkeypatch.undo()
    continued = searched(shared_chain, KeepsFiles(files(tmp_path)))
    assert torch.equal(continued.ranks.better, whole.ranks.better)
    assert torch.equal(continued.best.image, whole.best.image)


def test_files_of_another_run_are_refused(shared_chain: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        searched(shared_chain, StopsAfter(files(tmp_path, seed=1), 1))
    with pytest.raises(ClcapError, match="belongs to a run with other inputs or settings"):
        searched(shared_chain, KeepsFiles(files(tmp_path, seed=2)))
    with pytest.raises(ClcapError, match="continue it with --resume, or delete the file"):
        files(tmp_path).check_resumed(resume=False)
