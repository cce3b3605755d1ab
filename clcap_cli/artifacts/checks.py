"""What every kind of artifact is held to when it is opened."""

from collections.abc import Sequence
from pathlib import Path

from clcap_cli.errors import damaged


def check_unique(path: Path, what: str, items: Sequence[object]) -> None:
    """Raise ClcapError when ``what`` the file has, the ``items``, has one of them twice."""
    seen: set[object] = set()
    for item in items:
        if item in seen:
            raise damaged(path, f"{what} has {item} twice")
        seen.add(item)


def check_equal(path: Path, what: str, found: object, expected: object) -> None:
    """Raise ClcapError unless ``what`` the file has is what the rest of the file says."""
    if found != expected:
        raise damaged(path, f"{what} is {found}, expected {expected}")
