"""Checks that are shared by all kinds of artifacts when they are opened."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from clcap_cli.datasets.parsing import validated
from clcap_cli.errors import damaged_file_error

T = TypeVar("T")


def validated_part(name: str, content: object, schema: type[T], path: Path, kind: str) -> T:
    """The part called ``name`` of a file of ``kind``, validated by ``schema``; raises ClcapError if it is invalid."""
    return validated({name: content}, dict[str, schema], path, f"a complete {kind} file")[name]  # type: ignore[valid-type]


def check_unique(path: Path, name: str, items: Sequence[object]) -> None:
    """Raise ClcapError if ``items``, the file's list called ``name``, contains a duplicate."""
    seen: set[object] = set()
    for item in items:
        if item in seen:
            raise damaged_file_error(path, f"{name} contains {item} twice")
        seen.add(item)


def check_equal(path: Path, name: str, found: object, expected: object) -> None:
    """Raise ClcapError if ``found``, the file's value called ``name``, differs from the ``expected`` value."""
    if found != expected:
        raise damaged_file_error(path, f"{name} is {found}, expected {expected}")
