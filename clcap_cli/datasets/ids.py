"""Which image is meant: 1 and "1" are never two images of one file, nor silently the same."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import BeforeValidator

from clcap_cli.datasets.cells import describe_type, parse_text
from clcap_cli.datasets.records import ImageId

MAX_INTEGER_ID = 2**63 - 1
"""What an id that is a number can be in captions.h5."""
MAX_EXACT_FLOAT = 2**53
"""Below it a float is the number that somebody wrote."""
_NUMBER = re.compile(r"0|-?[1-9][0-9]*")


def parse_id(value: object) -> ImageId:
    """The id that somebody wrote, a whole number or a text.

    Raises ValueError, with the reason, for anything else.
    """
    if isinstance(value, float) and abs(value) < MAX_EXACT_FLOAT and value.is_integer():  # what pandas makes of numbers
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) or value is None:
        return parse_text(value)
    raise ValueError(f"{describe_type(value)} is no id; give a whole number or a text")


def _parse_json_id(value: object) -> ImageId:
    id = parse_id(value)
    if isinstance(id, int) and not _fits_int64(id):
        raise ValueError("the number does not fit 64 bits; write such ids as text")
    return id


JsonId = Annotated[ImageId, BeforeValidator(_parse_json_id)]
"""An id in a JSON file."""


def parse_id_column(given: Sequence[ImageId]) -> list[ImageId]:
    """Ids of a table: what is written as a number is one, but all are text where a number does not fit 64 bits."""
    texts = [str(id) for id in given]
    numbers = {text: int(text) for text in texts if len(text) <= len(str(-MAX_INTEGER_ID)) and _NUMBER.fullmatch(text)}
    large = any(text not in numbers and _NUMBER.fullmatch(text) for text in texts)
    if large or not all(map(_fits_int64, numbers.values())):
        return [*texts]
    return [numbers.get(text, text) for text in texts]


def mixed_type_id(ids: Iterable[ImageId]) -> int | None:
    """An id that is there as a number and as text, if there is one."""
    ids = list(ids)
    texts = {id for id in ids if isinstance(id, str)}
    return next((id for id in ids if isinstance(id, int) and texts and str(id) in texts), None)


def _fits_int64(number: int) -> bool:
    return -MAX_INTEGER_ID - 1 <= number <= MAX_INTEGER_ID
