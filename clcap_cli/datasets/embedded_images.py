"""Images that a table holds as bytes, beside or instead of the paths of their files."""

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from clcap_cli.datasets.file_names import normal_path
from clcap_cli.digests import digest

OTHER_SUFFIX = ".bin"
"""Suffix of images of an unknown format."""
_SUFFIXES = {
    rb"\xff\xd8\xff": ".jpg",
    rb"\x89PNG": ".png",
    rb"GIF8": ".gif",
    rb"BM": ".bmp",
    rb"RIFF....WEBP": ".webp",
    rb"II\*\0|MM\0\*": ".tif",
    rb"....ftyp(avif|avis)": ".avif",
    rb"....ftyp(hei|mif1|msf1)": ".heic",
}


class ImageBytes(Protocol):
    """The bytes of the images of a table's rows, read anew by every iteration; None for a row without bytes."""

    def __iter__(self) -> Iterator[bytes | None]:
        """Yield the bytes of each row's image."""
        ...


@dataclass(frozen=True)
class EmbeddedImages:
    """The images that a caption file holds as bytes."""

    names: Sequence[str | None]
    """File name of each row's image."""
    content: ImageBytes

    def with_names(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the file name and the bytes of the images whose names are ``wanted``, as far as they have bytes."""
        for name, content in zip(self.names, self.content, strict=True):
            if name is not None and name in wanted and content is not None:
                yield name, content


def distinct_names(paths: Sequence[str | None], images: ImageBytes, prefix: str) -> list[str | None]:
    """The file name of each row's image: its path, or ``prefix`` and a row number where it has none.

    Different images with the same path get the row number too; rows with the same bytes share a name. None for a row
    with neither path nor bytes.
    """
    if all(paths) and len(set(paths)) == len(paths):
        return list(paths)
    return list(_names(paths, images, prefix))


def _names(paths: Iterable[str | None], images: Iterable[bytes | None], prefix: str) -> Iterator[str | None]:
    by_content: dict[tuple[str | None, str], str] = {}
    taken: set[str] = set()
    for row, (path, content) in enumerate(zip(paths, images, strict=True), start=1):
        if content is None:
            yield path or None
            continue
        key = (path, digest([content]))
        if key not in by_content:
            stem, suffix = posixpath.splitext(path) if path else (prefix, image_suffix(content))
            by_content[key] = path if path and path not in taken else f"{stem}-{row:06}{suffix}"
            taken.add(by_content[key])
        yield by_content[key]


def image_suffix(content: bytes) -> str:
    """The suffix of an image's format, recognised by its first bytes."""
    known = (suffix for start, suffix in _SUFFIXES.items() if re.match(start, content, re.DOTALL))
    return next(known, OTHER_SUFFIX)


def safe_path(name: str) -> str:
    """The file name as a path within a folder: without drive, leading slashes and ``..``."""
    parts = re.sub(r"^[A-Za-z]:", "", normal_path(name)).split("/")
    return "/".join(part for part in parts if part not in ("", ".", "..")) or "image"
