"""Several checkpoints as an ensemble."""

import json
from pathlib import Path

import pytest

from clcap_cli.stages.caption import caption
from clcap_cli.stages.evaluate import evaluate
from clcap_cli.stages.prepare_captions import prepare_captions
from clcap_cli.stages.train_mle import train_mle


def test_an_ensemble_of_one_model_writes_its_captions(chain: Path, clcap) -> None:
    alone = caption(chain / "nt.pt")
    result = clcap("caption", chain / "nt.pt", chain / "nt.pt")
    assert result.out == f"{chain}/nt+nt.captions.json\n"
    assert (chain / "nt+nt.captions.json").read_text() == alone.read_text()


def test_every_checkpoint_is_recorded(chain: Path, clcap) -> None:
    together = caption([chain / "nt.pt", chain / "aa.pt"], beam=2)
    assert together == chain / "nt+aa.captions.json"
    record = json.loads((chain / "nt+aa.captions.provenance.json").read_text())
    assert [(item["role"], item["path"]) for item in record["inputs"]] == [
        ("checkpoint", "nt.pt"),
        ("captions", "captions.h5"),
        ("features", "features.h5"),
        ("checkpoint 2", "aa.pt"),
        ("features 2", "features.h5"),
    ]
    shown = clcap("show", together).out
    assert "checkpoint: nt.pt" in shown and "checkpoint 2: aa.pt" in shown


def test_ensembles_are_scored_like_their_results(chain: Path) -> None:
    models = [chain / "nt.pt", chain / "aa.pt"]
    own = json.loads(evaluate(models, metrics="ROUGE_L", out=chain / "own.metrics.json").read_text())
    read = json.loads(evaluate(caption(models), metrics="ROUGE_L").read_text())
    assert own["metrics"] == read["metrics"] and own["signatures"] == read["signatures"]
    assert {"checkpoint", "checkpoint 2"} <= {card["role"] for card in own["made_from"]}
    assert evaluate(models, metrics="ROUGE_L") == chain / "nt+aa.metrics.json"


def test_ensembles_caption_images_of_any_folder(chain: Path, clcap) -> None:
    images = sorted((chain / "scenes" / "images").glob("*"))[:3]
    result = clcap("caption", chain / "nt.pt", chain / "aa.pt", "--images", *images)
    assert result.status == 0, result.err
    assert result.out == f"{chain}/nt+aa.images.captions.json\n"
    content = json.loads((chain / "nt+aa.images.captions.json").read_text())
    assert [entry["image_id"] for entry in content] == [str(path) for path in images]


@pytest.fixture
def foreign(chain: Path) -> Path:
    """A checkpoint of another vocabulary."""
    files = {split: [chain / "scenes" / f"captions_{split}.json"] for split in ("train", "val", "test")}
    captions = prepare_captions(**files, out=chain / "foreign.h5", min_count=6)
    small = {"embedding": 8, "hidden": 8, "epochs": 1, "device": "cpu"}
    return train_mle(captions, chain / "features.h5", model="neuraltalk2", out=chain / "foreign.pt", **small)


def test_models_of_two_vocabularies_are_refused(chain: Path, foreign: Path, error_of) -> None:
    for arguments in (("caption",), ("evaluate",), ("caption", "--images", chain / "scenes" / "images")):
        message = error_of(*arguments[:1], chain / "nt.pt", foreign, *arguments[1:])
        assert message.startswith(f"{foreign} and {chain}/nt.pt have different vocabularies (")


def test_a_file_that_is_no_checkpoint_is_named(chain: Path, usage_error_of) -> None:
    image = next((chain / "scenes" / "images").iterdir())
    assert f"CHECKPOINTS: {image} is not a checkpoint (*.pt); give images with --images: " in (
        usage_error_of("caption", chain / "nt.pt", image)
    )
    assert "CHECKPOINTS: a checkpoint (*.pt) is missing: " in usage_error_of("caption", image, "--images", image)
    features = chain / "features.h5"
    assert (
        f"CHECKPOINTS: {features} is a features file (*.h5) of extract-features or import-features; a checkpoint"
        in (usage_error_of("caption", features))
    )
    renamed = (chain / "aa.pt").rename(chain / "aa.ckpt")
    assert f"{renamed} is a checkpoint, but its name does not end in .pt; rename it" in usage_error_of(
        "caption", renamed
    )
    results = chain / "nt.captions.json"
    assert f"several files must be the checkpoints (*.pt) of an ensemble; {results} is not a checkpoint" in (
        usage_error_of("evaluate", chain / "nt.pt", results)
    )
