"""Checks of the lists of objects in JSON files."""

from pathlib import Path
from typing import Any

from clcap_cli.datasets.cells import describe_type
from clcap_cli.errors import ClcapError


def is_list_of_objects(value: object) -> bool:
    """Whether ``value`` is a list whose first item, if any, is an object."""
    return isinstance(value, list) and all(isinstance(item, dict) for item in value[:1])


def require_objects(value: object, place: str, path: Path) -> list[dict[str, Any]]:
    """``value`` if it is a list of objects; raises ClcapError that names the ``place`` in the file otherwise."""
    if not isinstance(value, list):
        raise ClcapError(f"{path}: '{place}' is {describe_type(value)}; a list of objects is expected")
    for number, item in enumerate(value):
        if not isinstance(item, dict):
            raise ClcapError(f"{path}: {place}.{number} is {describe_type(item)}; an object is expected")
    return value
