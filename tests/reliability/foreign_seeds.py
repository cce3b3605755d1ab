"""Small files of other programs, which are mutated, and how clcap reads captions and images."""

import atexit
import io
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from PIL import Image

EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
"""Metadata that turn an image by a quarter."""


def written(files: Mapping[str, bytes]) -> list[Path]:
    """The paths of files with these contents, which are removed when the process ends."""
    paths = []
    for name, content in files.items():
        folder = Path(tempfile.mkdtemp(dir=_folder()))  # formats use the same names
        paths.append(folder / name.rpartition("/")[2].replace(" ", "_"))
        paths[-1].write_bytes(content)
    return paths


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="clcap-seeds-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def numbered(contents: Iterable[bytes]) -> list[Path]:
    """The paths of files with these contents."""
    return written({str(number): content for number, content in enumerate(contents)})


def image_files(format: str, *options: dict[str, object]) -> list[Path]:
    """Images of several modes in a format, saved with each of ``options`` that suits the mode."""
    modes = {"JPEG": ("RGB", "L", "CMYK"), "WEBP": ("RGB", "RGBA"), "GIF": ("P", "L"), "BMP": ("RGB", "L", "P", "1")}
    modes |= {"PNG": ("RGB", "RGBA", "P", "LA", "I;16", "1"), "TIFF": ("RGB", "CMYK", "F", "I;16", "LAB", "1")}
    contents = []
    for mode in modes[format]:
        for option in options or ({},):
            content = io.BytesIO()
            _picture(mode).save(content, format, **option)
            contents.append(content.getvalue())
    return numbered(contents)


def _picture(mode: str) -> Image.Image:
    if mode in ("I;16", "F", "LAB"):
        return Image.new(mode, (20, 16))
    picture = Image.linear_gradient("L").resize((20, 16))
    return Image.merge("RGB", [picture, picture.rotate(90).resize((20, 16)), picture]).convert(mode)


def read_image(path: Path) -> None:
    """Check the header of an image, and decode it as extract-features does."""
    from clcap_cli.features.images import has_several_frames, open_rgb

    has_several_frames(path)
    assert open_rgb(path, 8).mode == "RGB"


def read_caption_file(path: Path) -> None:
    """Read captions as prepare-captions and evaluate do, and describe the file as inspect does."""
    from clcap_cli.datasets.captions_by_image import read_predictions
    from clcap_cli.datasets.image_records import image_records
    from clcap_cli.datasets.readers import read_captions
    from clcap_cli.datasets.suspicious_captions import suspicious_captions
    from clcap_cli.errors import ClcapError

    file = read_captions(path)
    file.summary()
    list(suspicious_captions(file))
    read_predictions(path)
    has_splits = all(record.split is not None for record in file.records)
    try:
        image_records([(None if has_splits else "train", file)], "train")
    except ClcapError as error:  # predictions need no file names
        if "file names" not in str(error):
            raise
