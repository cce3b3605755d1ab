import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clcap_cli.features.image_formats import OptionalFormat
from clcap_cli.features.images import UnreadableImageError, has_several_frames, open_rgb


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


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_data_do_not_matter(tmp_path: Path) -> None:
    half_red().save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff", quality=95)
    assert np.asarray(open_rgb(tmp_path / "a.jpg"))[4, 2, 0] > 200


BROKEN = {
    b"": "it is empty",
    b"\0" * 2000: "it is a file of zero bytes, as an interrupted download leaves it",
    b"<!DOCTYPE html><title>404</title>": "it is an HTML page, perhaps the error page of a failed download",
    b"<?xml version='1.0'?><svg/>": "it is an SVG drawing, which clcap does not read; convert it to PNG",
    b"a man in a hat": "it is a text file that starts with 'a man in a hat'",
    b"version https://git-lfs.github.com/spec/v1": "it is a pointer of Git LFS; fetch the image with git lfs pull",
    b"\0\0\0\x18ftypmp42": "it is a video",
    b"II*\0\x08": "it is a TIFF image that is damaged or of a kind that is not read, such as floating-point colours",
    b"%PDF-1.4": "it is a PDF document",
    b"\x89PNG\r\n\x1a\n": "it is a damaged or truncated image",
    b"\xff\xd8\xff\xe0\0\x10JFIF": "Truncated File Read",
    b"\x12\x34\x80\x99": "its content is of no known image format",
}


@pytest.mark.parametrize("content", BROKEN)
def test_a_file_that_is_no_image_is_described(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    for read in (open_rgb, has_several_frames):
        with pytest.raises(UnreadableImageError) as caught:
            read(tmp_path / "a.jpg")
        assert str(caught.value) == f"{tmp_path}/a.jpg is not a readable image: {BROKEN[content]}"


def test_large_images_are_read_without_a_warning(tmp_path: Path, recwarn, monkeypatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    warnings.filterwarnings("ignore", module="PIL")  # as the module does, whose filters pytest resets
    half_red().save(tmp_path / "a.png")
    assert open_rgb(tmp_path / "a.png").size == (16, 8)
    assert not recwarn.list


@pytest.mark.parametrize(("suffix", "several"), [("gif", True), ("tiff", True), ("webp", True), ("mpo", False)])
def test_the_first_of_several_frames_is_used(tmp_path: Path, suffix: str, several: bool) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    assert has_several_frames(tmp_path / f"a.{suffix}") == several
    assert np.asarray(open_rgb(tmp_path / f"a.{suffix}"))[4, 4, 0] > 200


@pytest.mark.parametrize("suffix", ["heic", "avif"])
def test_heic_and_avif_images_are_read(tmp_path: Path, suffix: str) -> None:
    if suffix == "heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    half_red().resize((64, 64)).save(tmp_path / f"a.{suffix}")
    assert not has_several_frames(tmp_path / f"a.{suffix}")
    assert np.asarray(open_rgb(tmp_path / f"a.{suffix}"))[4, 4, 0] > 200


@pytest.mark.parametrize(("brand", "command"), [("heic", "clcap[heif]"), ("avif", "pillow>=11.3")])
def test_a_format_without_reader_is_named(tmp_path: Path, monkeypatch, brand: str, command: str) -> None:
    monkeypatch.setattr(OptionalFormat, "is_readable", False)
    (tmp_path / "a.jpg").write_bytes(b"\0\0\0\x18ftyp" + brand.encode())
    with pytest.raises(UnreadableImageError) as caught:
        has_several_frames(tmp_path / "a.jpg")
    assert str(caught.value).endswith(f"it is a {brand.upper()} image; to read it: pip install '{command}'")
