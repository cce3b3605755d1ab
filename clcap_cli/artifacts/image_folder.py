"""Folders of images that clcap writes, such as ``captions.images/`` beside ``captions.h5``."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from clcap_cli.artifacts.hidden_files import temporary_path
from clcap_cli.artifacts.leftovers import remove_leftovers
from clcap_cli.errors import ClcapError, first_few

MARKER = ".clcap-images.json"
"""Hidden file that lists the files of the folder; a folder without it is never replaced."""


def image_folder_beside(captions: Path) -> Path:
    """The folder for the images of the tables from which ``captions`` was made."""
    return captions.with_suffix(".images")


def check_replaceable(folder: Path) -> None:
    """Raise ClcapError if there is a folder that clcap did not write, or with files that clcap did not write."""
    if not os.path.lexists(folder):
        return
    try:
        written = set(json.loads((folder / MARKER).read_text(encoding="utf-8"))["files"]) | {MARKER}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ClcapError(
            f"{folder} exists and was not written by clcap; move it, or write captions to another place with --out"
        ) from error
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    others = sorted({path.relative_to(folder).as_posix() for path in paths} - written)
    if others:
        raise ClcapError(
            f"{folder} would be replaced, but contains files that clcap did not write: {first_few(others)}; move them"
        )


@contextmanager
def written_images(folder: Path, images: Iterable[tuple[str, bytes]]) -> Iterator[list[str]]:
    """Write ``images``, pairs of path and content, and yield their paths; they appear at the end of the block.

    An earlier folder of images is replaced; if anything fails, it stays. What killed runs left is removed, so the
    caller must hold the lock of the captions that the folder belongs to. Raises ClcapError if the folder cannot be
    written, or if two images have the same path.
    """
    part, old = temporary_path(folder), folder.with_name(f".{folder.name}.old")
    _restore(folder, old)
    remove_leftovers(folder)
    check_replaceable(folder)
    try:
        with _write_errors(folder):
            names = _write(part, folder, images)
        yield names
        with _write_errors(folder):
            if folder.exists():
                folder.rename(old)
            part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _restore(folder: Path, old: Path) -> None:
    """Put back an earlier folder that a killed run had moved to ``old``; remove ``old`` if it was replaced."""
    if not (old / MARKER).is_file():
        return
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
    else:
        with _write_errors(folder):
            old.rename(folder)


def _write(part: Path, folder: Path, images: Iterable[tuple[str, bytes]]) -> list[str]:
    names: set[str] = set()
    for name, content in images:
        path = part / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name in names:
            if path.read_bytes() != content:
                raise ClcapError(f"{folder / name}: two different images have this file name; give each its own name")
            continue
        path.write_bytes(content)
        names.add(name)
    (part / MARKER).write_text(json.dumps({"files": sorted(names)}), encoding="utf-8")
    return sorted(names)


@contextmanager
def _write_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a file name contains a NUL character
        reason = getattr(error, "strerror", None) or error
        raise ClcapError(f"{getattr(error, 'filename', None) or folder} cannot be written: {reason}") from error
