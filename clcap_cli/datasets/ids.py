"""Image ids, compared by their text in all files: the number 7 and the text "7" are the same id, "007" is another.

In memory an id is an int if its text is an integer of 64 bits as Python writes it, otherwise text in Unicode NFC.
"""

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from unicodedata import normalize

from clcap_cli.datasets.cells import check_not_rounded, container_of, describe_type, parse_text
from clcap_cli.datasets.records import ImageId

MAX_INTEGER_ID = 2**63 - 1
"""Largest id that is stored as a number."""
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")
_LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_DECIMAL = re.compile(r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?")

_MISSING = ("nan", "none", "null", "n/a", "#n/a", "<na>")
"""Texts that programs write instead of a missing id."""


class WrongIdError(ValueError):
    """A cell of a column of ids that is not an id."""

    def __init__(self, index: int, reason: str):
        super().__init__(reason)
        self.index = index
        """Position of the cell in its column."""


def canonical_id(id: ImageId) -> ImageId:
    """The form in which an id is compared: ids with the same text have the same form."""
    text = normalize("NFC", str(id).strip())
    if _INTEGER.fullmatch(text) and -MAX_INTEGER_ID - 1 <= int(text) <= MAX_INTEGER_ID:
        return int(text)
    return text


def without_leading_zeros(id: ImageId) -> str:
    """An id or file name whose numbers have no leading zeros, for messages: "7.jpg" for "007.jpg"."""
    return _LEADING_ZEROS.sub("", str(id))


def parse_id(value: object) -> ImageId:
    """The id in a cell: an integer, a whole number or text.

    Raises ValueError with the reason for anything else.
    """
    value = container_of(value)
    if isinstance(value, float | Decimal):
        return _whole_number(float(value))
    if isinstance(value, int | str | None) and not isinstance(value, bool):
        return canonical_id(check_not_rounded(parse_text(value)))
    raise ValueError(f"{describe_type(value)} is not an id; give an integer or a string")


def parse_ids(cells: Sequence[object]) -> list[ImageId]:
    """The ids in a column of a table.

    Programs write integers as 7.0 in a column with gaps: such numbers are ids if all of the column are whole numbers.
    Raises WrongIdError for the first cell that is not an id.
    """
    ids = [_parse_cell(index, cell) for index, cell in enumerate(cells)]
    decimals = {index: float(id) for index, id in enumerate(ids) if isinstance(id, str) and _DECIMAL.fullmatch(id)}
    if not decimals:
        return ids
    texts = {index: id for index, id in enumerate(ids) if isinstance(id, str) and index not in decimals}
    for index, text in texts.items():
        if text.casefold() in _MISSING:
            raise WrongIdError(index, f"'{text}' stands for a missing value, not for an id")
    if texts:
        index = next(iter(decimals))
        raise WrongIdError(index, f"{ids[index]} is a decimal number beside ids that are text; write whole numbers")
    return [_parse_cell(index, decimals.get(index, id)) for index, id in enumerate(ids)]


def _parse_cell(index: int, cell: object) -> ImageId:
    try:
        return parse_id(cell)
    except ValueError as error:
        raise WrongIdError(index, str(error)) from error


def _whole_number(value: float) -> ImageId:
    """The integer that a float represents exactly."""
    if math.isnan(value):
        raise ValueError("it is empty")
    if not value.is_integer() or abs(value) > 2**53:
        raise ValueError(f"the number {value} is not an id; give an integer or a string")
    return int(value)
