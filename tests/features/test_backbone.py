from pathlib import Path

import pytest
import torch
from PIL import Image

from clcap_cli.features.backbone import load_backbone
from clcap_cli.features.default_backbone import DEFAULT_BACKBONE
from clcap_cli.features.extraction import extract_batches
from clcap_cli.features.image_check import SkippedImages
from clcap_cli.features.timm_encoder import TimmEncoder

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "size", "regions", "grid", "pooled"),
    [
        ("resnet18", 64, 4, 512, 512),
        ("vgg11", 224, 49, 512, 4096),
        ("vit_tiny_patch16_224", 64, 16, 192, 192),
        ("swin_tiny_patch4_window7_224", 64, 4, 768, 768),
    ],
)
def test_backbones_of_every_family_give_features(name: str, size: int, regions: int, grid: int, pooled: int) -> None:
    backbone = load_backbone(name, "random", size, CPU)
    assert (backbone.info.regions, backbone.info.grid_channels, backbone.info.pooled_channels) == (
        regions,
        grid,
        pooled,
    )
    seen = backbone(torch.zeros(2, 3, size, size))
    assert [tuple(part.shape) for part in seen] == [(2, pooled), (2, regions, grid)]


def test_the_default_backbone_has_its_real_weights() -> None:
    backbone = load_backbone(DEFAULT_BACKBONE, None, None, CPU)
    assert backbone.info.weights == "bundled"
    assert (backbone.info.image_size, backbone.info.regions, backbone.info.pooled_channels) == (224, 49, 1280)
    assert backbone.info.weights_id != load_backbone(DEFAULT_BACKBONE, "random", None, CPU).info.weights_id


def test_random_weights_are_the_same_every_time() -> None:
    one, two = (load_backbone("resnet18", "random", 64, CPU).info for _ in range(2))
    assert one == two


def test_weights_are_read_from_a_file(tmp_path: Path) -> None:
    random = load_backbone("resnet18", "random", 64, CPU)
    torch.save(TimmEncoder("resnet18", "random", 64).network.state_dict(), tmp_path / "w.pth")
    assert load_backbone("resnet18", str(tmp_path / "w.pth"), 64, CPU).info.weights_id == random.info.weights_id


def test_bad_images_do_not_shift_the_features_of_others(tmp_path: Path) -> None:
    backbone = load_backbone("resnet18", "random", 32, CPU)
    colours = {number: (number * 6, 255 - number * 6, 90) for number in range(40)}
    for number, colour in colours.items():
        Image.new("RGB", (40, 40), colour).save(tmp_path / f"{number}.png")
    bad = [3, 4, 31, 39]
    for number in bad:
        (tmp_path / f"{number}.png").write_bytes(b"not a picture")
    files = {number: tmp_path / f"{number}.png" for number in colours}
    skipped = SkippedImages(len(files), skip_bad=True)
    features = {}
    for batch in extract_batches(backbone, files, skipped):
        features |= dict(zip(batch.ids, batch.pooled, strict=True))
    assert list(skipped.reasons) == bad
    assert list(features) == [number for number in colours if number not in bad]
    for number in (0, 5, 32, 38):
        (alone,) = extract_batches(backbone, {number: files[number]}, skipped)
        assert abs(alone.pooled[0].astype(float) - features[number].astype(float)).max() < 2e-2
    assert abs(features[0].astype(float) - features[38].astype(float)).max() > 5e-2
