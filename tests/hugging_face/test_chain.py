"""A pretrained captioner runs the whole chain: features of its encoder, captions, ranks, fine-tuning."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.features import open_features
from clcap_cli.hugging_face.folder import FAMILIES
from clcap_cli.stages.extract_features import extract_features
from clcap_cli.stages.import_captioner import import_captioner


@pytest.fixture
def imported(chain: Path, tiny_captioners: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The chain's folder, with blip.pt and the features of its encoder."""
    monkeypatch.chdir(chain)
    import_captioner(str(tiny_captioners / "blip"), Path("captions.h5"), Path("blip.pt"))
    extract_features("captions.h5", ["scenes/images"], out="blip.features.h5", encoder="blip.pt", device="cpu")
    return chain


def test_features_of_the_encoder_are_those_of_the_checkpoint(imported: Path, clcap) -> None:
    features, checkpoint = open_features(Path("blip.features.h5")), open_checkpoint(Path("blip.pt"))
    assert not checkpoint.backbone.differences(features.backbone)
    assert features.provenance.input("encoder").id == checkpoint.provenance.id
    again = clcap(
        "extract-features", "captions.h5", "--images", "scenes/images", "--encoder", "blip.pt", "--out", "2.h5"
    )
    assert "17 regions of 32, pooled 32; the file will take" in again.err
    assert open_features(Path("2.h5")).provenance.id == features.provenance.id


def test_captions_and_ranks(imported: Path, clcap) -> None:
    assert clcap("caption", "blip.pt", "--features", "blip.features.h5").status == 0
    assert clcap("self-retrieve", "blip.pt", "--features", "blip.features.h5").status == 0
    assert clcap("evaluate", "blip.captions.json", "--retrieval", "blip.retrieval.json").status == 0


def test_options_of_a_backbone_beside_an_encoder(imported: Path, usage_error_of: Callable[..., str], error_of) -> None:
    command = "extract-features", "captions.h5", "--images", "scenes/images", "--encoder"
    message = usage_error_of(*command, "blip.pt", "--image-size", 64)
    assert "--image-size: cannot be combined with --encoder, which has all of its own" in message
    assert error_of(*command, "nt.pt") == (
        "nt.pt holds no image encoder; its features are of tf_efficientnet_lite0 (bundled weights), 64 pixels"
    )


def test_an_encoder_without_its_checkpoint_is_refused(imported: Path, clcap, error_of: Callable[..., str]) -> None:
    """A captioner of clcap can be trained on its features, but does not hold it."""
    result = clcap("train-mle", "captions.h5", "blip.features.h5", "--epochs", 1, "--hidden", 16, "--out", "own.pt")
    assert result.status == 0, result.err
    assert error_of("caption", "own.pt", "--images", "scenes/images") == (
        "the image encoder 'blip_vision_model' is part of a captioner of Hugging Face; import that with clcap "
        "import-captioner, and give its checkpoint to extract-features --encoder"
    )


def test_features_of_another_encoder_are_refused(imported: Path, error_of: Callable[..., str]) -> None:
    assert "blip_vision_model" in error_of("caption", "blip.pt", "--features", "features.h5")


def test_fine_tuning_starts_from_the_imported_captioner(imported: Path, clcap) -> None:
    """Model, sizes and tokenizer are its own, and so is the loss before the first step."""
    result = clcap("train-mle", "captions.h5", "blip.features.h5", "--init-from", "blip.pt", "--epochs", 1)
    assert result.status == 0, result.err
    before, now = open_checkpoint(Path("blip.pt")), open_checkpoint(Path("mle.pt"))
    assert (now.model, now.config, now.tokenizer) == (before.model, before.config, before.tokenizer)
    assert any(not torch.equal(now.weights[name], value) for name, value in before.weights.items())
    assert clcap("train-cl", "--ref", "mle.pt", "--k", 1, "--epochs", 1).status == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_a_pretrained_model_without_weights_is_refused(family: str, usage_error_of: Callable[..., str]) -> None:
    message = usage_error_of("train-mle", "captions.h5", "features.h5", "--model", family)
    assert f"--model: {family} is only for pretrained captioners; import one with clcap import-captioner" in message
