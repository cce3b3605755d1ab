"""Large images are refused, or decoded at a reduced scale, within a stated amount of memory."""

import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clcap_cli.compute.process import stage_cleanup
from clcap_cli.features.images import UnreadableImageError, decode_rgb, has_several_frames, open_rgb
from clcap_cli.features.max_pixels import DEFAULT_MAX_PIXELS
from clcap_cli.features.pixel_limit import BUDGET, BYTES_PER_PIXEL, PixelBudget, limit_pixels
from tests.features.png import colour_png, grey_png
from tests.reliability.peak_memory import peak_memory

SIDE = 2400


@pytest.fixture(autouse=True)
def limit_of_a_stage() -> Iterator[None]:
    with stage_cleanup():
        yield
    assert BUDGET.maximum == DEFAULT_MAX_PIXELS


def png_with_header(width: int, height: int) -> bytes:
    """A small PNG that declares these sides."""
    content = bytearray(grey_png(np.zeros((1, 1), np.uint8)))
    content[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    content = BytesIO()
    image.save(content, format, **options)
    return content.getvalue()


def refusal(content: bytes, folder: Path) -> str:
    """The message about an image, the same from its header and from decoding it."""
    path = folder / "a.png"
    path.write_bytes(content)
    messages = set()
    for read in (has_several_frames, open_rgb):
        with pytest.raises(UnreadableImageError) as caught:
            read(path)
        messages.add(str(caught.value).removeprefix(f"{path} is not a readable image: "))
    (message,) = messages
    return message


def test_an_image_with_too_many_pixels_is_refused(tmp_path: Path) -> None:
    assert refusal(png_with_header(13_000, 13_000), tmp_path) == (
        "it has 169,000,000 pixels, more than the maximum of 89,478,485; scale it down, or raise --max-pixels"
    )


def test_an_image_that_is_too_narrow_is_refused(tmp_path: Path) -> None:
    assert refusal(png_with_header(1, 1_000_000), tmp_path) == (
        "its sides, 1 and 1,000,000 pixels, differ by more than a factor of 1,000; crop it"
    )


def test_the_maximum_can_be_chosen(tmp_path: Path) -> None:
    limit_pixels(12)
    assert refusal(saved(Image.new("RGB", (4, 4)), "PNG"), tmp_path).startswith("it has 16 pixels")
    limit_pixels(16)
    assert decode_rgb(saved(Image.new("RGB", (4, 4)), "PNG"), "a").size == (4, 4)


def test_a_file_of_many_bytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    with path.open("wb") as file:
        file.truncate(2**31)  # takes no space
    with pytest.raises(UnreadableImageError) as caught:
        open_rgb(path)
    assert str(caught.value) == f"{path} is not a readable image: its file has more than 1,706 MiB; scale it down"


@pytest.mark.parametrize(("format", "options"), [("JPEG", {}), ("JPEG2000", {})])
def test_formats_with_scales_are_decoded_smaller(format: str, options: dict) -> None:
    colours = Image.fromarray(np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8)).resize((400, 200), 0)
    content = saved(colours, format, **options)
    limit_pixels(400 * 200 // 4)
    image = decode_rgb(content, "a")
    assert image.size == (200, 100)
    red, blue = (np.asarray(image)[50, column].astype(int) for column in (20, 180))
    assert red[0] > 240 and red[2] < 15 and blue[2] > 240 and blue[0] < 15
    assert decode_rgb(content, "a", target_size=20).size == ((100, 50) if format == "JPEG" else (200, 100))


def test_an_image_beyond_the_smallest_scale_is_refused(tmp_path: Path) -> None:
    content = saved(Image.new("RGB", (160, 160)), "JPEG")
    limit_pixels(400)
    assert decode_rgb(content, "a").size == (20, 20)
    limit_pixels(399)
    assert refusal(content, tmp_path).startswith("it has 25,600 pixels, more than the maximum of 399")


def test_a_progressive_jpeg_counts_as_a_whole(tmp_path: Path) -> None:
    content = saved(Image.new("RGB", (160, 160)), "JPEG", progressive=True)
    limit_pixels(400)
    assert refusal(content, tmp_path).startswith("it has 25,600 pixels")


LARGE = {
    "transparent PNG": lambda: saved(Image.new("RGBA", (SIDE, SIDE), (9, 9, 9, 9)), "PNG", compress_level=1),
    "16-bit PNG": lambda: colour_png(np.full((SIDE, SIDE, 4), 300, np.uint16)),
    "JPEG": lambda: saved(Image.new("CMYK", (SIDE, SIDE)), "JPEG"),
    "GIF": lambda: saved(Image.new("P", (SIDE, SIDE)), "GIF"),
    "WebP": lambda: saved(Image.new("RGBA", (SIDE, SIDE), (9, 9, 9, 9)), "WEBP", lossless=True, method=0),
    "TIFF": lambda: saved(Image.new("F", (SIDE, SIDE), 0.5), "TIFF"),
    "JPEG 2000": lambda: saved(Image.new("RGB", (SIDE, SIDE)), "JPEG2000"),
}


@pytest.mark.parametrize("kind", LARGE)
def test_decoding_takes_the_stated_memory_per_pixel(kind: str) -> None:
    content = LARGE[kind]()
    growth = peak_memory(lambda: decode_rgb(content, "a"))
    assert SIDE**2 < growth < BYTES_PER_PIXEL * SIDE**2 + 2**25


def test_threads_together_decode_the_stated_pixels() -> None:
    budget, running, most, lock = PixelBudget(), [0], [0], threading.Lock()

    def decode(pixels: int) -> None:
        with budget.reserved(pixels):
            with lock:
                running[0] += pixels
                most[0] = max(most[0], running[0])
            time.sleep(0.001)
            with lock:
                running[0] -= pixels

    share = DEFAULT_MAX_PIXELS // 3
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(decode, [share, 2 * share, DEFAULT_MAX_PIXELS, 1] * 6))
    assert 0 < most[0] <= DEFAULT_MAX_PIXELS


def test_the_option_reaches_the_stages(shared_chain: Path, tmp_path: Path, error_of, usage_error_of) -> None:
    images, small = shared_chain / "scenes" / "images", ["--max-pixels", 100]
    refused = "more than the maximum of 100; scale it down, or raise --max-pixels"
    captions = shared_chain / "captions.h5"
    assert refused in error_of("extract-features", captions, "--images", images, "--out", tmp_path / "a.h5", *small)
    assert refused in error_of(
        "caption", shared_chain / "nt.pt", "--images", images, "--out", tmp_path / "a.json", *small
    )
    assert usage_error_of("caption", shared_chain / "nt.pt", *small).startswith("error: --max-pixels: needs --images")
    message = usage_error_of("evaluate", "a.json", *small)
    assert message.startswith("error: --max-pixels: only for CLIPScore, RefCLIPScore, CLIP-retrieval")
