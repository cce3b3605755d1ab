"""Parsing of image ids, with one rule for all formats: a file that contains both 1 and "1" is rejected."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import BeforeValidator

from clcap_cli.datasets.cells import describe_type, parse_text
from clcap_cli.datasets.records import ImageId

MAX_INTEGER_ID = 2**63 - 1
"""Largest id that captions.h5 can store as a number."""
MAX_EXACT_FLOAT = 2**53
"""Bound below which a float represents every integer exactly."""
_NUMBER = re.compile(r"0|-?[1-9][0-9]*")


def parse_id(value: object) -> ImageId:
    """An image id, an integer or a string.

    Raises ValueError with the reason for anything else.
    """
    # pandas stores integers as floats in a column with gaps
    if isinstance(value, float) and abs(value) < MAX_EXACT_FLOAT and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) or value is None:
        return parse_text(value)
    raise ValueError(f"{describe_type(value)} is not an id; give an integer or a string")


def _parse_json_id(value: object) -> ImageId:
    id = parse_id(value)
    if isinstance(id, int) and not _fits_int64(id):
        raise ValueError("the number does not fit in 64 bits; write such ids as strings")
    return id


JsonId = Annotated[ImageId, BeforeValidator(_parse_json_id)]
"""Pydantic type of an id in a JSON file."""


def parse_id_column(cells: Sequence[ImageId]) -> list[ImageId]:
    """The ids of a table's column: digits become numbers, unless one of them does not fit in 64 bits."""
    texts = [str(id) for id in cells]
    numbers = {text: int(text) for text in texts if len(text) <= len(str(-MAX_INTEGER_ID)) and _NUMBER.fullmatch(text)}
    large = any(text not in numbers and _NUMBER.fullmatch(text) for text in texts)
    if large or not all(map(_fits_int64, numbers.values())):
        return [*texts]
    return [numbers.get(text, text) for text in texts]


def mixed_type_id(ids: Iterable[ImageId]) -> int | None:
    """The first id that occurs both as a number and as text, or None."""
    ids = list(ids)
    texts = {id for id in ids if isinstance(id, str)}
    return next((id for id in ids if isinstance(id, int) and texts and str(id) in texts), None)


def _fits_int64(number: int) -> bool:
    return -MAX_INTEGER_ID - 1 <= number <= MAX_INTEGER_ID
