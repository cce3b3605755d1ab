"""Files that clcap wrote in earlier formats work in every stage, and mean what they meant."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.results import open_results
from tests.conftest import Answer

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(params=["version1", "version2", "version3"])
def kept(request: pytest.FixtureRequest) -> Path:
    """The files of a version."""
    return DATA / str(request.param)


@pytest.fixture
def old(kept: Path, tmp_path: Path) -> Path:
    """A folder of the test's own with them."""
    return Path(shutil.copytree(kept, tmp_path / "old"))


@pytest.mark.parametrize("name", ["nt", "nt_cl", "aa"])
def test_old_checkpoints_give_the_same_captions_and_ranks(
    clcap: Callable[..., Answer], kept: Path, old: Path, name: str
) -> None:
    result = clcap("caption", old / f"{name}.pt", "--out", old / "again.captions.json")
    assert result.status == 0, result.err
    before = json.loads((kept / f"{name}.captions.json").read_text())
    assert json.loads((old / "again.captions.json").read_text()) == before
    assert clcap("self-retrieve", old / f"{name}.pt", "--out", old / "again.retrieval.json").status == 0
    ranked = [json.loads(path.read_text()) for path in (kept / f"{name}.retrieval.json", old / "again.retrieval.json")]
    log_probs = [[image["log_prob"] for image in one["images"]] for one in ranked]
    assert log_probs[0] == pytest.approx(log_probs[1], abs=1e-4)


def test_neuraltalk2_has_a_relu_since_version_2(clcap: Callable[..., Answer], kept: Path, old: Path) -> None:
    relu = kept.name != "version1"
    assert open_checkpoint(old / "nt.pt").config.image_relu == relu
    assert clcap("train-cl", "--ref", old / "nt.pt", "--k", 2, "--epochs", 1, "--out", old / "new.pt").status == 0
    assert open_checkpoint(old / "new.pt").config.image_relu == relu
    assert torch.load(old / "new.pt", weights_only=True)["provenance"]["version"] == 4


def test_old_metrics_can_be_compared_and_reported(clcap: Callable[..., Answer], old: Path) -> None:
    metrics = sorted(old.glob("*.metrics.json"))
    assert clcap("compare", *metrics, "--out", old / "new.json").status == 0
    assert clcap("report", *metrics, *sorted(old.glob("*.retrieval.json"))).out == f"{metrics[0].parent}/report.html\n"


def test_old_results_get_the_same_scores(clcap: Callable[..., Answer], kept: Path, old: Path) -> None:
    words = ("--retrieval", old / "nt.retrieval.json", "--metrics", "BLEU,ROUGE_L,CIDEr", "--out", old / "new.json")
    result = clcap("evaluate", old / "nt.captions.json", *words)
    assert result.status == 0, result.err
    before, now = (open_results(path).metrics for path in (kept / "nt.metrics.json", old / "new.json"))
    assert {name: before[name] for name in now} == now


def test_show_describes_old_files(clcap: Callable[..., Answer], old: Path) -> None:
    files = [path for path in sorted(old.iterdir()) if path.suffix in (".h5", ".pt", ".json")]
    assert len(files) > 20
    for path in files:
        if not path.name.endswith(".provenance.json"):
            assert clcap("show", path).status == 0, path


def test_old_references_and_discriminators_can_be_trained(clcap: Callable[..., Answer], old: Path) -> None:
    few = ("--k", 2, "--epochs", 1)
    assert clcap("swap-reference", "--ref", old / "nt.pt", "--candidate", old / "nt_cl.pt", "--force").status == 0
    for ref, more in (
        ("nt_ref1.pt", ()),
        ("aa.pt", ("--fix-negatives",)),
        ("nt.pt", ("--negatives", "similar", "--out", old / "similar.pt")),
        (
            "nt.pt",
            ("--objective", "adversarial", "--discriminator", old / "nt_gan.evaluator.pt", "--out", old / "gan.pt"),
        ),
    ):
        result = clcap("train-cl", "--ref", old / ref, *few, *more)
        assert result.status == 0, result.err
