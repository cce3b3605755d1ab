"""Folders of images with a text beside each, such as ``x.jpg`` and ``x.txt``; each line of a text is a caption.

Links to texts outside the folder are left out: in a folder from another person they could make captions of any file.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from clcap_cli.datasets.file_content import read_bytes
from clcap_cli.datasets.file_names import is_image_name
from clcap_cli.datasets.formats.paired_files import PairedFiles, is_system_name
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import Table
from clcap_cli.errors import ClcapError


def _recognises(source: Source) -> bool:
    return source.is_folder and bool(_files(source).images)


def _read(source: Source) -> Table:
    return _files(source).table()


def _files(source: Source) -> PairedFiles:
    files = PairedFiles(source.path, source.options.encoding)
    folder = os.path.realpath(source.path)
    for path in _walk(source.path, files):
        name = path.relative_to(source.path).as_posix()
        if path.is_symlink() and not is_image_name(name) and not Path(os.path.realpath(path)).is_relative_to(folder):
            files.outside.append(name)
        else:
            files.add(name, partial(read_bytes, path))
    return files


def _walk(folder: Path, files: PairedFiles) -> Iterator[Path]:
    """All files in ``folder`` and its subfolders; links to folders and hidden folders are only counted."""
    for parent, folders, names in os.walk(folder, onerror=_raise):
        skipped = [name for name in folders if is_system_name(name) or Path(parent, name).is_symlink()]
        if skipped:
            files.left_out["hidden, system or linked folder"] += len(skipped)
        folders[:] = sorted(set(folders).difference(skipped))
        yield from (Path(parent, name) for name in sorted(names))


def _raise(error: OSError) -> None:
    raise ClcapError(f"{error.filename} cannot be read: {error.strerror or error}") from error


READER = Reader("folder of images and texts", _recognises, _read)
