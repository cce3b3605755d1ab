"""Files that are recognised by their first bytes."""

import re
from pathlib import Path

from clcap_cli.file_kinds.clcap_files import description_of, format_in
from clcap_cli.file_kinds.kind import FileKind

HDF5 = b"\x89HDF\r\n\x1a\n"
USER_BLOCK = 512
"""Position at which MATLAB starts HDF5."""
SCAN_SIZE = 2**20
"""Number of bytes at each end of an HDF5 file in which the record of its kind is searched."""
UNPACK = "unpack it first"
PICKLE = FileKind(
    "a file of pickled Python objects, such as a *.pth of PyTorch before 1.6",
    use="clcap never loads these because they can run code; save the data as arrays, text or a state dict",
)
SIGNATURES: tuple[tuple[bytes, FileKind], ...] = (
    (b"PAR1", FileKind("a Parquet table", is_plain=True)),
    (b"ARROW1", FileKind("an Arrow table", use="save it as Parquet")),
    (b"\x93NUMPY", FileKind("a NumPy array", use="import-features reads folders of arrays with features of images")),
    (b"\xff\xd8\xff", FileKind("a JPEG image")),
    (b"\x89PNG", FileKind("a PNG image")),
    (b"GIF8", FileKind("a GIF image")),
    (b"BM", FileKind("a BMP image")),
    (b"II*\0", FileKind("a TIFF image")),
    (b"MM\0*", FileKind("a TIFF image")),
    (b"%PDF", FileKind("a PDF document")),
    (b"\x1f\x8b", FileKind("a gzip archive", UNPACK, is_plain=True)),
    (b"\x28\xb5\x2f\xfd", FileKind("a Zstandard archive", UNPACK, is_plain=True)),
    (b"BZh", FileKind("a bzip2 archive", UNPACK)),
    (b"\xfd7zXZ\0", FileKind("an xz archive", UNPACK)),
    (b"7z\xbc\xaf\x27\x1c", FileKind("a 7-Zip archive", UNPACK)),
    (b"Rar!", FileKind("a RAR archive", UNPACK)),
    (b"SQLite format 3\0", FileKind("an SQLite database", use="export its table as CSV")),
    (b"MATLAB 5.0 MAT-file", FileKind("a MATLAB file", use="export its arrays to HDF5 or NumPy")),
    (
        b"\x03\0\0\0\x01\0\0\0",
        FileKind(
            "a checkpoint of Torch7 (Lua), such as neuraltalk2's",
            "clcap cannot read it; train-mle --model neuraltalk2 trains such a model",
        ),
    ),
    (b"\x04\0\0\0\x01\0\0\0", FileKind("a file of Torch7 (Lua)", use="export its arrays to HDF5 or NumPy")),
    (b"\x7fELF", FileKind("a program")),
)
"""What each signature at the start of a file stands for."""
BOXES = {b"avif": "an AVIF image", b"heic": "a HEIC image", b"heix": "a HEIC image", b"mif1": "a HEIF image"}
"""Images in boxes of ISO media, by their brand."""


def signature_kind(path: Path, head: bytes) -> FileKind | None:
    """What a binary file is, by its first bytes; None if it is none of those known."""
    if head.startswith(HDF5) or head[USER_BLOCK:].startswith(HDF5):
        return _hdf5_kind(path)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return FileKind("a WebP image")
    if head[4:8] == b"ftyp":
        return FileKind(BOXES.get(head[8:12], "a video or another media file"))
    if re.match(rb".{8}\{\s*\"", head, re.DOTALL) and int.from_bytes(head[:8], "little") < 2**32:
        return FileKind("a file of weights in the format safetensors")
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        return PICKLE
    return next((kind for start, kind in SIGNATURES if head.startswith(start)), None)


def _hdf5_kind(path: Path) -> FileKind:
    with path.open("rb") as file:
        content = file.read(SCAN_SIZE)
        file.seek(max(path.stat().st_size - SCAN_SIZE, 0))
        content += file.read()
    format = format_in(content)
    return FileKind(description_of(format) if format else "an HDF5 file of another program")
