"""Files appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clcap_cli.errors import ClcapError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it into place if the block ends well, remove it if not.

    Raises ClcapError when the folder cannot be written or the disk is full.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise ClcapError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all; what is no valid Unicode in it becomes a question mark."""
    with written_whole(path) as part:
        part.write_bytes(text.encode("utf-8", "replace"))


def same_file(path: Path, others: Iterable[Path]) -> bool:
    """Whether ``path`` leads to one of ``others``; unlike ``resolve``, links that lead in a circle lead nowhere."""
    return os.path.realpath(path) in map(os.path.realpath, others)


def check_writable(path: Path, read: Iterable[Path] = ()) -> Path:
    """Fail now, not after hours of work, if ``path`` cannot be written or is one of the files that are ``read``.

    Its folder is made where it is missing.
    """
    if same_file(path, read):
        raise ClcapError(f"{path} is read, so it cannot be written; give another name")
    if path.is_dir():
        raise ClcapError(f"{path} cannot be written: it is a folder; give a file name with --out")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise ClcapError(f"{path} cannot be written: {error.strerror or error}") from error
    return path
