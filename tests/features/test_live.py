"""Live features equal those that extract-features stores."""

from pathlib import Path

import numpy as np
import pytest
import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.features import open_features
from clcap_cli.features.backbone import load_backbone
from clcap_cli.features.cached import computed_once
from clcap_cli.features.images import UnreadableImageError
from clcap_cli.features.live import LiveFeatures
from clcap_cli.features.pictures import PictureSource
from clcap_cli.features.stored import StoredFeatures
from clcap_cli.models.captioner import Captioner

CPU = torch.device("cpu")
COUNT = 6


@pytest.fixture(params=["nt.pt", "aa.pt", "tf.pt"])
def both(shared_chain: Path, request) -> tuple[Captioner, LiveFeatures, StoredFeatures]:
    model = open_checkpoint(shared_chain / request.param).captioner(CPU)
    features = open_features(shared_chain / "features.h5")
    info = features.backbone
    backbone = load_backbone(info.name, None, info.image_size, CPU)
    paths = [shared_chain / "scenes" / "images" / name for name in features.names[:COUNT]]
    return (
        model,
        LiveFeatures(PictureSource(backbone, paths), model.uses_grid),
        StoredFeatures(features, features.ids[:COUNT], model),
    )


def log_probs(model: Captioner, features: LiveFeatures | StoredFeatures) -> torch.Tensor:
    captions = torch.randint(2, 9, (COUNT, 5), generator=torch.Generator().manual_seed(0))
    everything = torch.arange(COUNT)
    return model(features.read(np.arange(COUNT)), captions, torch.full((COUNT,), 5), everything)


@torch.inference_mode()
def test_live_features_give_the_log_probs_of_stored_ones(both) -> None:
    model, live, stored = both
    assert len(live) == len(stored) == COUNT
    assert torch.allclose(log_probs(model, live), log_probs(model, stored), atol=0.02)  # stored ones are float16


@torch.inference_mode()
def test_images_can_be_read_in_any_order(both) -> None:
    _, live, stored = both
    order = np.array([4, 0, 4])
    seen, expected = live.read(order), stored.read(order)
    assert torch.allclose(seen.pooled, expected.pooled, rtol=2e-3, atol=2e-3)
    assert seen.grid.shape == expected.grid.shape
    assert torch.allclose(seen.grid, expected.grid, rtol=2e-3, atol=2e-3)


def test_an_id_names_the_pictures_and_the_network(both) -> None:
    model, live, stored = both
    again = LiveFeatures(PictureSource(live.pictures.backbone, live.pictures.images), model.uses_grid)
    assert live.id == again.id
    assert live.id not in (live.first(2).id, stored.id)
    other = load_backbone(live.pictures.backbone.info.name, "random", 64, CPU)
    assert live.id != LiveFeatures(PictureSource(other, live.pictures.images), model.uses_grid).id


@torch.inference_mode()
def test_features_held_in_memory_equal_stored_ones(both) -> None:
    _, live, stored = both
    order = np.array([4, 0, 4])
    held, expected = computed_once(live), stored.read(order)
    assert len(held) == COUNT
    for name in ("pooled", "grid"):  # the last digit depends on the other images of the batch
        assert torch.allclose(getattr(held.read(order), name), getattr(expected, name), rtol=2e-3, atol=2e-3)


def test_an_unreadable_image_is_named(both, tmp_path: Path) -> None:
    model, live, _ = both
    missing = LiveFeatures(PictureSource(live.pictures.backbone, [tmp_path / "none.png"]), model.uses_grid)
    with pytest.raises(UnreadableImageError, match=r"no such file: .*none\.png"):
        missing.read(np.array([0]))
