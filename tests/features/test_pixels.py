"""Images of more than 8 bits per channel have the brightness of their 8-bit versions."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clcap_cli.features.images import UnreadableImageError, decode_rgb, open_rgb
from tests.features.png import colour_png, grey_png

PHOTO = np.random.default_rng(0).integers(20, 231, (12, 16, 3), dtype=np.uint8)
"""An ordinary photo in which neither black nor white occurs."""
GREY = PHOTO[..., 0]


def scaled(values: np.ndarray, white: int) -> np.ndarray:
    return np.rint(values / 255 * white).astype(np.uint16)


def difference(image: Image.Image, expected: np.ndarray) -> int:
    """The largest difference of an image from 8-bit values, grey or RGB."""
    pixels = np.asarray(image).astype(int)
    assert image.mode == "RGB"
    return np.abs(pixels - (expected if expected.ndim == 3 else expected[..., None])).max()


def saved(folder: Path, values: np.ndarray) -> Image.Image:
    Image.fromarray(values).save(folder / "a.tiff")
    return open_rgb(folder / "a.tiff")


@pytest.mark.parametrize("white", [255, 1023, 4095, 65535])
def test_grey_keeps_its_brightness(tmp_path: Path, white: int) -> None:
    values = scaled(GREY, white)
    for kind in ("<u2", ">u2", "i4"):
        assert difference(saved(tmp_path, values.astype(kind)), GREY) == 0
    assert difference(decode_rgb(grey_png(values), "a"), GREY) == 0


@pytest.mark.parametrize("white", [1023, 4095, 65535])
@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_colours_keep_their_brightness(white: int, channels: int) -> None:
    opaque = np.full((*GREY.shape, channels - 3), 65535, np.uint16)
    content = colour_png(np.concatenate([scaled(PHOTO, white), opaque], axis=-1))
    assert difference(decode_rgb(content, "a"), PHOTO) <= 1


@pytest.mark.parametrize("white", [1, 255])
def test_floating_point_keeps_its_brightness(tmp_path: Path, white: int) -> None:
    assert difference(saved(tmp_path, GREY.astype(np.float32) / 255 * white), GREY) == 0


@pytest.mark.parametrize(
    "values",
    [
        np.array([[-70_000, 0], [70_000, 70_000]], np.int32),
        np.array([[-(2**31), 0], [2**31 - 1, 2**31 - 1]], np.int32),
        np.array([[-3e38, 0.0], [3e38, 3e38]], np.float32),
        np.array([[0.0, 6.0], [12.0, 12.0]], np.float32),
        np.array([[0.0, 3e4], [6e4, 6e4]], np.float32),
    ],
)
def test_other_ranges_reach_from_black_to_white(tmp_path: Path, values: np.ndarray) -> None:
    assert difference(saved(tmp_path, values), np.array([[0, 128], [255, 255]])) == 0


@pytest.mark.parametrize("value", [-5, 70_000])
def test_one_value_outside_of_all_ranges_is_mid_grey(tmp_path: Path, value: int) -> None:
    assert difference(saved(tmp_path, np.full((4, 4), value, np.int32)), np.full((4, 4), 128)) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(
        UnreadableImageError, match="is not a readable image: it has values that are not finite numbers"
    ):
        saved(tmp_path, np.array([[0, value]], np.float32))


def test_lab_colours_are_converted(tmp_path: Path) -> None:
    Image.merge("LAB", [Image.new("L", (4, 4), value) for value in (255, 128, 128)]).save(tmp_path / "a.tiff")
    assert np.asarray(open_rgb(tmp_path / "a.tiff")).min() >= 250


def test_transparent_palette_and_grey_are_on_white(tmp_path: Path) -> None:
    for mode in ("LA", "PA"):
        Image.new(mode, (4, 4), (0, 0)).save(tmp_path / "a.tiff")
        assert np.asarray(open_rgb(tmp_path / "a.tiff")).min() == 255
    palette = Image.new("P", (4, 4), 3)
    palette.putpalette([0] * 12)
    palette.save(tmp_path / "a.png", transparency=3)
    assert np.asarray(open_rgb(tmp_path / "a.png")).min() == 255
