"""What every kind of artifact is held to when it is opened."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from clcap_cli.datasets.parsing import validated
from clcap_cli.errors import damaged_file_error

T = TypeVar("T")


def validated_part(name: str, content: object, schema: type[T], path: Path, kind: str) -> T:
    """The part called ``name`` of a file of ``kind``, as ``schema`` describes it; raises ClcapError if it is not."""
    return validated({name: content}, dict[str, schema], path, f"a whole {kind} file")[name]  # type: ignore[valid-type]


def check_unique(path: Path, what: str, items: Sequence[object]) -> None:
    """Raise ClcapError when ``what`` the file has, the ``items``, has one of them twice."""
    seen: set[object] = set()
    for item in items:
        if item in seen:
            raise damaged_file_error(path, f"{what} has {item} twice")
        seen.add(item)


def check_equal(path: Path, what: str, found: object, expected: object) -> None:
    """Raise ClcapError unless ``what`` the file has is what the rest of the file says."""
    if found != expected:
        raise damaged_file_error(path, f"{what} is {found}, expected {expected}")
