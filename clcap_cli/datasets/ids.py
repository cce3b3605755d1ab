"""Which image is meant: 1 and "1" are never two images of one file, nor silently the same."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import BeforeValidator

from clcap_cli.datasets.cells import kind_of, text_in
from clcap_cli.datasets.records import ImageId

LARGEST = 2**63 - 1
"""What an id that is a number can be in captions.h5."""
EXACT = 2**53
"""Below it a float is the number that somebody wrote."""
_NUMBER = re.compile(r"0|-?[1-9][0-9]*")


def id_in(value: object) -> ImageId:
    """The id that somebody wrote, a whole number or a text.

    Raises ValueError, with the reason, for anything else.
    """
    if isinstance(value, float) and abs(value) < EXACT and value.is_integer():  # what pandas makes of numbers
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) or value is None:
        return text_in(value)
    raise ValueError(f"{kind_of(value)} is no id; give a whole number or a text")


def _id_in_json(value: object) -> ImageId:
    id = id_in(value)
    if isinstance(id, int) and not _fits(id):
        raise ValueError("the number does not fit 64 bits; write such ids as text")
    return id


GivenId = Annotated[ImageId, BeforeValidator(_id_in_json)]
"""An id in a JSON file."""


def ids_of_column(given: Sequence[ImageId]) -> list[ImageId]:
    """Ids of a table: what is written as a number is one, but all are text where a number does not fit 64 bits."""
    texts = [str(id) for id in given]
    numbers = {text: int(text) for text in texts if len(text) <= len(str(-LARGEST)) and _NUMBER.fullmatch(text)}
    large = any(text not in numbers and _NUMBER.fullmatch(text) for text in texts)
    if large or not all(map(_fits, numbers.values())):
        return [*texts]
    return [numbers.get(text, text) for text in texts]


def in_two_kinds(ids: Iterable[ImageId]) -> int | None:
    """An id that is there as a number and as text, if there is one."""
    ids = list(ids)
    texts = {id for id in ids if isinstance(id, str)}
    return next((id for id in ids if isinstance(id, int) and texts and str(id) in texts), None)


def _fits(number: int) -> bool:
    return -LARGEST - 1 <= number <= LARGEST
