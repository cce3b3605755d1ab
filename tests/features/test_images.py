from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clcap_cli.errors import ClcapError
from clcap_cli.features.images import UnreadableImageError, find_image, open_rgb


def half_red() -> Image.Image:
    """An image whose left half is red and right half is blue."""
    image = np.zeros((8, 16, 3), np.uint8)
    image[:, :8, 0] = image[:, 8:, 2] = 255
    return Image.fromarray(image)


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK", "RGBA", "YCbCr"])
def test_every_image_mode_keeps_its_colours(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode in ("CMYK", "YCbCr") else "a.png")
    half_red().convert(mode).save(path)
    pixels = np.asarray(open_rgb(path)).astype(int)
    assert pixels.shape == (8, 16, 3)
    assert pixels[4, 2, 0] > 200 and pixels[4, 2, 2] < 60
    assert pixels[4, 13, 2] > 200 and pixels[4, 13, 0] < 60


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_images_become_grey_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    Image.new("L", (4, 4), 255).convert(mode).save(path)
    pixels = np.asarray(open_rgb(path))
    assert pixels.shape == (4, 4, 3)
    assert (pixels == 255).all()


@pytest.mark.parametrize(
    "values",
    [
        np.array([[0, 300], [600, 600]], np.uint16),
        np.array([[0, 32768], [65535, 65535]], np.uint16),
        np.array([[0, 300], [600, 600]], ">u2"),
        np.array([[-70_000, 0], [70_000, 70_000]], np.int32),
        np.array([[-(2**31), 0], [2**31 - 1, 2**31 - 1]], np.int32),
        np.array([[0.0, 0.5], [1.0, 1.0]], np.float32),
        np.array([[-3e38, 0.0], [3e38, 3e38]], np.float32),
    ],
)
def test_high_bit_depth_grey_is_scaled_to_its_range(tmp_path: Path, values: np.ndarray) -> None:
    Image.fromarray(values).save(tmp_path / "a.tiff")
    pixels = np.asarray(open_rgb(tmp_path / "a.tiff"))
    assert pixels.shape == (2, 2, 3)
    assert pixels[..., 0].tolist() == pixels[..., 2].tolist() == [[0, 128], [255, 255]]


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_high_bit_depth_grey_of_one_value_is_mid_grey(tmp_path: Path, kind: type) -> None:
    Image.fromarray(np.full((4, 4), 5, kind)).save(tmp_path / "a.tiff")
    assert (np.asarray(open_rgb(tmp_path / "a.tiff")) == 128).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_grey_values_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    Image.fromarray(np.array([[0, value]], np.float32)).save(tmp_path / "a.tiff")
    with pytest.raises(
        UnreadableImageError, match="is not a readable image: it has values that are not finite numbers"
    ):
        open_rgb(tmp_path / "a.tiff")


def test_transparency_becomes_white(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 2), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert np.asarray(open_rgb(tmp_path / "a.png")).min() == 255


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned a quarter to the left
    half_red().save(tmp_path / "a.jpg", exif=exif, quality=95)
    pixels = np.asarray(open_rgb(tmp_path / "a.jpg")).astype(int)
    assert pixels.shape == (16, 8, 3)
    assert pixels[2, 4, 0] > 200 and pixels[13, 4, 2] > 200


def test_large_jpegs_are_decoded_at_twice_the_needed_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    coarse.resize((1600, 1200), Image.Resampling.BICUBIC).save(tmp_path / "a.jpg", quality=95)
    whole, half = open_rgb(tmp_path / "a.jpg"), open_rgb(tmp_path / "a.jpg", target_size=256)
    assert half.size == (800, 600)
    assert open_rgb(tmp_path / "a.jpg", target_size=400).size == whole.size == (1600, 1200)
    ours, exact = (
        np.asarray(image.resize((341, 256), Image.Resampling.BICUBIC)).astype(int) for image in (half, whole)
    )
    assert np.abs(ours - exact).mean() < 1


def test_a_truncated_image_is_refused(tmp_path: Path) -> None:
    half_red().resize((200, 200)).save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableImageError, match=r"a\.jpg is not a readable image"):
        open_rgb(tmp_path / "a.jpg")


@pytest.mark.parametrize("name", ["../secret.png", "/etc/secret.png", "a/../../secret.png"])
def test_a_file_name_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ClcapError, match="leads out of the image folder"):
        find_image([tmp_path], name)


def test_a_file_name_in_two_folders_is_refused(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        half_red().save(tmp_path / folder / "a.png")
    with pytest.raises(ClcapError, match=r"there are two images 'a\.png'"):
        find_image([tmp_path / "one", tmp_path / "two"], "a.png")
