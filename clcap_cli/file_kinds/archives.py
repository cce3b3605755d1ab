"""Archives of several files: tar, and ZIP with the formats that are built on it."""

import lzma
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from clcap_cli.errors import first_few
from clcap_cli.file_kinds.clcap_files import description_of, format_in
from clcap_cli.file_kinds.kind import FileKind
from clcap_cli.file_kinds.signatures import UNPACK
from clcap_cli.file_kinds.tar import open_tar

TAR_SIGNATURE = slice(257, 262)
OFFICE = {
    "xl/workbook.xml": FileKind("an Excel workbook", use="save its sheet as CSV"),
    "word/document.xml": FileKind("a Word document", use="save it as text"),
    "content.xml": FileKind("an OpenDocument file", use="save it as CSV or text"),
}
ZIP_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(ValueError, OSError, EOFError, NotImplementedError, RuntimeError, IndexError),
)
"""Errors that ``zipfile`` raises for damaged archives."""
LARGEST_PICKLE = 2**26
"""Largest number of bytes of a PyTorch file's description that is searched for clcap's record."""


def archive_kind(path: Path, head: bytes) -> FileKind | None:
    """What an archive of several files is; None for any other file."""
    if head[TAR_SIGNATURE] == b"ustar":
        return _tar_kind(path)
    return _zip_kind(path) if head.startswith(b"PK") else None


def _tar_kind(path: Path) -> FileKind:
    try:
        with open_tar(path) as archive:
            name = archive.next()
    except tarfile.TarError:
        return FileKind("a damaged tar archive", "download it again")
    first = f", the first {name.name}" if name else ""
    return FileKind(f"a tar archive of several files{first}", UNPACK)


def _zip_kind(path: Path) -> FileKind:
    try:
        with zipfile.ZipFile(path) as archive:
            return _content_kind(archive)
    except ZIP_ERRORS:
        return FileKind("a ZIP archive or PyTorch file that is cut off or damaged", "download or create it again")


def _content_kind(archive: zipfile.ZipFile) -> FileKind:
    names = archive.namelist()
    pickles = [name for name in names if PurePosixPath(name).name == "data.pkl"]
    if pickles:
        return _torch_kind(archive, pickles[0])
    if names and all(name.endswith(".npy") for name in names):
        arrays = first_few([name.removesuffix(".npy") for name in names])
        return FileKind(f"a NumPy archive (*.npz) with the arrays {arrays}")
    office = next((kind for name, kind in OFFICE.items() if name in names), None)
    return office or FileKind(f"a ZIP archive of {len(names):,} files: {first_few(names)}", UNPACK)


def _torch_kind(archive: zipfile.ZipFile, pickle: str) -> FileKind:
    with archive.open(pickle) as file:
        format = format_in(file.read(LARGEST_PICKLE))
    if format:
        return FileKind(description_of(format))
    scripted = any("/code/" in name for name in archive.namelist())
    return FileKind("a TorchScript model" if scripted else "a PyTorch file of another program")
