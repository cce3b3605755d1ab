"""Files of earlier formats work in every stage and keep their meaning."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from clcap_cli.artifacts.attention import open_attention
from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.comparisons import open_comparison
from clcap_cli.artifacts.provenance import FORMATS
from clcap_cli.artifacts.results import open_caption_results, open_results
from tests.conftest import CommandResult

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(params=["version1", "version2", "version3"])
def version_folder(request: pytest.FixtureRequest) -> Path:
    """The files of a version."""
    return DATA / str(request.param)


@pytest.fixture
def old_files(version_folder: Path, tmp_path: Path) -> Path:
    """A copy of these files that the test may change."""
    return Path(shutil.copytree(version_folder, tmp_path / "old"))


@pytest.mark.parametrize("name", ["nt", "nt_cl", "aa"])
def test_old_checkpoints_give_the_same_captions_and_ranks(
    clcap: Callable[..., CommandResult], version_folder: Path, old_files: Path, name: str
) -> None:
    result = clcap("caption", old_files / f"{name}.pt", "--out", old_files / "again.captions.json")
    assert result.status == 0, result.err
    before = json.loads((version_folder / f"{name}.captions.json").read_text())
    assert json.loads((old_files / "again.captions.json").read_text()) == before
    assert clcap("self-retrieve", old_files / f"{name}.pt", "--out", old_files / "again.retrieval.json").status == 0
    ranked = [
        json.loads(path.read_text())
        for path in (version_folder / f"{name}.retrieval.json", old_files / "again.retrieval.json")
    ]
    log_probs = [[image["log_prob"] for image in one["images"]] for one in ranked]
    assert log_probs[0] == pytest.approx(log_probs[1], abs=1e-4)


def test_neuraltalk2_has_a_relu_since_version_2(
    clcap: Callable[..., CommandResult], version_folder: Path, old_files: Path
) -> None:
    relu = version_folder.name != "version1"
    assert open_checkpoint(old_files / "nt.pt").config.image_relu == relu
    assert (
        clcap("train-cl", "--ref", old_files / "nt.pt", "--k", 2, "--epochs", 1, "--out", old_files / "new.pt").status
        == 0
    )
    assert open_checkpoint(old_files / "new.pt").config.image_relu == relu
    assert torch.load(old_files / "new.pt", weights_only=True)["provenance"]["version"] == FORMATS["clcap/checkpoint"]


def test_old_comparisons_keep_their_content(version_folder: Path, tmp_path: Path) -> None:
    content = json.loads((version_folder / "comparison.json").read_text())
    (version1,) = content["comparisons"]
    version2 = {"metrics" if key == "figures" else key: value for key, value in version1.items()}
    differences = {"evaluation": version1["differ"]["measured"], "made_from": version1["differ"]["made"]}
    version3 = {**version2, "run_differences": differences}
    for version, stored in ((1, version1), (2, version2), (3, version3)):
        path = tmp_path / f"{version}.json"
        provenance = {**content["provenance"], "version": version}
        path.write_text(json.dumps({**content, "provenance": provenance, "comparisons": [stored]}))
        (comparison,) = open_comparison(path)
        assert comparison.run_differences.model_dump() == differences
        for name, found in version1["figures"].items():
            assert comparison.metrics[name].p_images == found["p"]
            assert comparison.metrics[name].verdict == found["verdict"]


def test_old_metrics_can_be_compared_and_reported(clcap: Callable[..., CommandResult], old_files: Path) -> None:
    metrics = sorted(old_files.glob("*.metrics.json"))
    assert clcap("compare", *metrics, "--out", old_files / "new.json").status == 0
    assert (
        clcap("report", *metrics, *sorted(old_files.glob("*.retrieval.json"))).out
        == f"{metrics[0].parent}/report.html\n"
    )


def test_old_results_get_the_same_scores(
    clcap: Callable[..., CommandResult], version_folder: Path, old_files: Path
) -> None:
    arguments = (
        "--retrieval",
        old_files / "nt.retrieval.json",
        "--metrics",
        "BLEU,ROUGE_L,CIDEr",
        "--out",
        old_files / "new.json",
    )
    result = clcap("evaluate", old_files / "nt.captions.json", *arguments)
    assert result.status == 0, result.err
    before, now = (open_results(path).metrics for path in (version_folder / "nt.metrics.json", old_files / "new.json"))
    assert {name: before[name] for name in now} == now


def test_show_describes_old_files(clcap: Callable[..., CommandResult], old_files: Path) -> None:
    files = [path for path in sorted(old_files.iterdir()) if path.suffix in (".h5", ".pt", ".json")]
    assert len(files) > 20
    for path in files:
        if not path.name.endswith(".provenance.json"):
            assert clcap("show", path).status == 0, path


def test_old_references_and_discriminators_can_be_trained(clcap: Callable[..., CommandResult], old_files: Path) -> None:
    few = ("--k", 2, "--epochs", 1)
    assert (
        clcap("swap-reference", "--ref", old_files / "nt.pt", "--candidate", old_files / "nt_cl.pt", "--force").status
        == 0
    )
    for ref, more in (
        ("nt_ref1.pt", ()),
        ("aa.pt", ("--fix-negatives",)),
        ("nt.pt", ("--negatives", "similar", "--out", old_files / "similar.pt")),
        (
            "nt.pt",
            (
                "--objective",
                "adversarial",
                "--discriminator",
                old_files / "nt_gan.evaluator.pt",
                "--out",
                old_files / "gan.pt",
            ),
        ),
    ):
        result = clcap("train-cl", "--ref", old_files / ref, *few, *more)
        assert result.status == 0, result.err


def test_old_attention_belongs_to_its_captions() -> None:
    captions = open_caption_results(DATA / "version3" / "aa.captions.json").captions
    attention = open_attention(DATA / "version3" / "aa.attention.h5").captions
    assert {id: [one.caption for one in own] for id, own in attention.items()} == captions
