"""What a file is that cannot be opened as an image, recognised by its first bytes."""

import re

from clcap_cli.features.image_formats import OPTIONAL_FORMATS, format_without_reader

HEAD_SIZE = 512
"""Number of bytes at the start of a file by which its kind is recognised."""
_CONTENTS = {
    b"%PDF": "a PDF document",
    b"PK": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"\x89HDF": "an HDF5 file",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL image, which clcap does not read; convert it to JPEG or PNG",
    b"\xff\x0a": "a JPEG XL image, which clcap does not read; convert it to JPEG or PNG",
    b"\x1aE\xdf\xa3": "a video",
    b"#?RADIANCE": "a Radiance HDR image, which clcap does not read; convert it to TIFF or PNG",
    b"v/1\x01": "an OpenEXR image, which clcap does not read; convert it to TIFF or PNG",
    b"version https://git-lfs": "a pointer of Git LFS; fetch the image with git lfs pull",
}
_IMAGE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"\0\0\0\x0cjP")
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MARKUP = re.compile(rb"\s*<(?:!doctype )?(html|head|body|svg|\?xml)", re.IGNORECASE)


def describe_content(head: bytes) -> str | None:
    """What the first bytes of a file that is no readable image are, as a noun phrase; None if they are unknown."""
    head = head.removeprefix(b"\xef\xbb\xbf")
    if head[4:8] == b"ftyp":
        return _describe_container(head[8:12])
    if markup := _MARKUP.match(head):
        return _describe_markup(markup[1].lower(), head)
    for start, kind in _CONTENTS.items():
        if head.startswith(start):
            return kind
    if head.startswith(_IMAGE_STARTS) or (head.startswith(b"RIFF") and head[8:12] == b"WEBP"):
        return "a damaged or truncated image"
    if head.startswith(_TIFF_STARTS):
        return "a TIFF image that is damaged or of a kind that is not read, such as floating-point colours"
    if head and not head.strip(b"\0"):
        return "a file of zero bytes, as an interrupted download leaves it"
    return f"a text file that starts with {_first_words(head)!r}" if _is_text(head) else None


def _describe_container(brand: bytes) -> str | None:
    """What a file in the container of MP4, HEIC and AVIF is; None if its format can be read."""
    if missing := format_without_reader(brand=brand):
        return f"a {missing.name} image; to read it: {missing.install_command}"
    return None if any(brand in one.brands for one in OPTIONAL_FORMATS) else "a video"


def _describe_markup(tag: bytes, head: bytes) -> str:
    if tag == b"svg" or b"<svg" in head:
        return "an SVG drawing, which clcap does not read; convert it to PNG"
    if tag == b"?xml" and b"<html" not in head.lower():
        return "an XML file"
    return "an HTML page, perhaps the error page of a failed download"


def _is_text(head: bytes) -> bool:
    return bool(head) and not re.search(rb"[\x00-\x08\x0e-\x1f]", head) and _decodes(head[:-3])


def _decodes(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3  # a character that the end of the head cuts
    return True


def _first_words(head: bytes) -> str:
    return " ".join(head.decode("utf-8", "ignore").split())[:30]
