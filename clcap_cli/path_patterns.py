"""Patterns of paths: * as in a shell, and braces as in WebDataset, such as x-{00000..00331}.tar."""

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from clcap_cli.errors import ClcapError, NoSuchFileError
from clcap_cli.remote_path import RemotePath

MAX_FILES = 100_000
"""Maximum number of files that braces may stand for."""
_BRACES = re.compile(r"\{([^{}]*(?:,|\.\.)[^{}]*)\}")


def is_pattern(path: Path) -> bool:
    """Whether a path stands for several files; a file on disk whose name has such characters is only itself."""
    special = "*" in str(path) or _BRACES.search(str(path))
    return bool(special) and (isinstance(path, RemotePath) or not os.path.lexists(path))


def files_of(pattern: Path) -> list[Path]:
    """The files that a pattern stands for, those of each brace in order.

    Raises ClcapError if there are none or too many. Whether files that are named by braces alone exist is not checked.
    """
    paths = [type(pattern)(text) for text in islice(_without_braces(str(pattern)), MAX_FILES + 1)]
    if len(paths) > MAX_FILES:
        raise ClcapError(f"the braces in {pattern} stand for more than {MAX_FILES:,} files")
    files = [file for path in paths for file in (sorted(_matches(path)) if "*" in str(path) else [path])]
    if not files:
        raise NoSuchFileError(f"no file matches {pattern}")
    return files


def _matches(path: Path) -> list[Path]:
    if isinstance(path, RemotePath):
        return [*path.matches()]
    return [*Path(path.anchor).glob(str(path.relative_to(path.anchor)))]


def _without_braces(text: str) -> Iterator[str]:
    """The texts that a text with braces stands for."""
    braces = _BRACES.search(text)
    if not braces:
        yield text
        return
    for choice in _choices(braces[1]):
        yield from _without_braces(text[: braces.start()] + choice + text[braces.end() :])


def _choices(content: str) -> Iterator[str]:
    """What stands between braces: numbers such as 00..11, or texts such as a,b."""
    bounds = re.fullmatch(r"(\d+)\.\.(\d+)", content)
    if not bounds:
        yield from content.split(",")
        return
    first, last = bounds[1], bounds[2]
    width = len(first) if first.startswith("0") else 0
    yield from (f"{number:0{width}}" for number in range(int(first), int(last) + 1))
