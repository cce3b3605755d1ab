"""Checkpoints that hold their image encoder."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint, write_checkpoint
from clcap_cli.artifacts.provenance import BASE, Origin
from clcap_cli.errors import ClcapError
from clcap_cli.features.backbone import build_encoder, load_backbone
from clcap_cli.features.saved_encoder import as_saved, backbone_of

CPU = torch.device("cpu")


def write_with_encoder(path: Path, out: Path, name: str = "tf_efficientnet_lite0") -> Path:
    """A copy of the checkpoint at ``path`` that holds the network ``name`` of its features."""
    opened = open_checkpoint(path)
    encoder = as_saved(build_encoder(name, None, 64))
    model, origin = opened.captioner(CPU), Origin("train-mle", {})
    rest = (opened.tokenizer, opened.backbone, opened.training, opened.lineage, origin)
    write_checkpoint(out, opened.model, model, *rest, encoder)
    return out


@pytest.fixture(scope="module")
def with_encoder(shared_chain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that is nt.pt with its backbone, which tests only read."""
    return write_with_encoder(shared_chain / "nt.pt", tmp_path_factory.mktemp("encoder") / "own.pt")


def test_a_checkpoint_gives_back_its_encoder(with_encoder: Path) -> None:
    opened = open_checkpoint(with_encoder)
    backbone = backbone_of(opened, CPU, None)
    assert backbone.info == opened.backbone
    images = torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8)
    for found, expected in zip(
        backbone(images), load_backbone(opened.backbone.name, None, 64, CPU)(images), strict=True
    ):
        assert torch.equal(found, expected)


def test_a_small_checkpoint_has_the_encoder_of_its_base(with_encoder: Path) -> None:
    """The file is smaller than the encoder, which it does not hold."""
    start, out = open_checkpoint(with_encoder), with_encoder.with_name("small.pt")
    model, origin = start.captioner(CPU).requires_grad_(False), Origin("train-mle", {})
    model.output.bias.requires_grad_()
    origin.add_input(BASE, start)
    rest = (start.tokenizer, start.backbone, start.training, start.lineage, origin, start.encoder)
    write_checkpoint(out, start.model, model, *rest, base=start.base_for(model))
    assert out.stat().st_size < with_encoder.stat().st_size / 10
    assert backbone_of(open_checkpoint(out), CPU, None).info == start.backbone


def test_building_an_encoder_draws_no_random_numbers(with_encoder: Path) -> None:
    opened, before = open_checkpoint(with_encoder), torch.get_rng_state()
    backbone_of(opened, CPU, None)
    assert torch.equal(torch.get_rng_state(), before)


def test_checkpoints_without_encoder_keep_their_id(shared_chain: Path, with_encoder: Path, tmp_path: Path) -> None:
    opened = open_checkpoint(shared_chain / "nt.pt")
    assert opened.encoder is None
    rest = (opened.tokenizer, opened.backbone, opened.training, opened.lineage, Origin("train-mle", {}))
    write_checkpoint(tmp_path / "same.pt", opened.model, opened.captioner(CPU), *rest)
    assert open_checkpoint(tmp_path / "same.pt").provenance.id == opened.provenance.id
    assert open_checkpoint(with_encoder).provenance.id != opened.provenance.id


def test_caption_uses_the_encoder_of_the_checkpoint(clcap: Any, chain: Path, with_encoder: Path) -> None:
    images = chain / "scenes" / "images"
    for model in (chain / "nt.pt", with_encoder):
        assert clcap("caption", model, "--images", images, "--out", chain / f"{model.stem}.csv").status == 0
    assert (chain / "nt.csv").read_text() == (chain / "own.csv").read_text()


def content_of(path: Path) -> dict[str, Any]:
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"architecture": {"kind": "magic"}}, "is damaged: its image encoder is of the unknown kind 'magic'"),
        ({"architecture": {"kind": "timm", "name": "resnet18"}}, "at encoder.architecture.image_size: Field required"),
        (
            {"architecture": {"kind": "timm", "name": "resnet18", "image_size": 10**9}},
            "at encoder.architecture.image_size: Input should be less than or equal to 4096",
        ),
        ({"architecture": {"kind": "timm", "name": "hf-hub:a/b", "image_size": 64}}, "unknown backbone 'hf-hub:a/b'"),
        (
            {"architecture": {"kind": "timm", "name": "resnet18", "image_size": 64}},
            "its image encoder weight 'network.conv1.weight' is missing, expected float32 (64, 3, 7, 7)",
        ),
        ({"weights": {}}, "is missing, expected float32"),
        ({"weights": {"a": 3}}, "its image encoder weight 'a' is not a plain tensor, expected missing"),
        ({"weights": {"a": torch.tensor([np.nan])}}, "its image encoder weights are not finite numbers: a"),
        ({"weights": 3}, "at encoder.weights: Input should be a valid dictionary"),
    ],
)
def test_encoders_that_clcap_did_not_write(
    with_encoder: Path, tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    content = content_of(with_encoder)
    content["encoder"] |= change
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(ClcapError) as error:
        backbone_of(open_checkpoint(tmp_path / "x.pt"), CPU, None)
    assert problem in str(error.value)


def test_an_encoder_with_other_weights_than_recorded(with_encoder: Path, tmp_path: Path) -> None:
    content = content_of(with_encoder)
    content["encoder"]["weights"]["network.bn1.bias"] += 1
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(ClcapError, match="its image encoder has another weights_id than it records"):
        backbone_of(open_checkpoint(tmp_path / "x.pt"), CPU, None)


def test_show_says_that_a_checkpoint_holds_its_encoder(clcap: Any, shared_chain: Path, with_encoder: Path) -> None:
    assert "64 pixels, in this file" in clcap("show", with_encoder).out
    assert "in this file" not in clcap("show", shared_chain / "nt.pt").out
