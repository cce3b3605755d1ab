"""Resizing and cropping in one step gives the pixels of torchvision's two steps."""

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from clcap_cli.features.centre_resize import CentreResize, with_centre_resize


def image_of(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def steps(size: int, crop: int, mode: InterpolationMode) -> Compose:
    return Compose([Resize(size, mode), CenterCrop(crop)])


@pytest.mark.parametrize("mode", [InterpolationMode.BICUBIC, InterpolationMode.BILINEAR])
@pytest.mark.parametrize(("width", "height"), [(320, 240), (199, 333), (64, 64), (65, 1000), (37, 51)])
def test_pixels_are_those_of_torchvision(width: int, height: int, mode: InterpolationMode) -> None:
    two_steps = steps(64, 55, mode)
    one_step = with_centre_resize(two_steps)
    assert isinstance(one_step.transforms[0], CentreResize)
    image = image_of(width, height)
    found, expected = (np.asarray(transform(image)).astype(int) for transform in (one_step, two_steps))
    assert found.shape == expected.shape == (55, 55, 3)
    assert np.abs(found - expected).max() <= 1
    assert (found != expected).mean() < 5e-3


def test_other_preprocessing_is_left_as_it_is() -> None:
    larger, nearest = steps(64, 65, InterpolationMode.BICUBIC), steps(64, 55, InterpolationMode.NEAREST)
    for transform in (larger, nearest, Compose([Resize((64, 64)), CenterCrop(64)])):
        assert with_centre_resize(transform) is transform
