"""What stands where a caption or another text is expected, whatever kind of file it comes from."""

import ast
import datetime
import json
import re
import warnings
from typing import Annotated

from pydantic import BeforeValidator

_TEXT = r""" "(?:[^"\\]|\\.)*+" | '(?:[^'\\]|\\.)*+' """
_OTHER = r"""
    (?: None | null | nan | NaN | [Tt]rue | [Ff]alse | [-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)? ) (?=[\s,\]])
    | [\[{]\s*+['"].*(?=\]\s*+\Z)  # another list or an object: the rest, up to the last bracket
"""
_ITEM = re.compile(rf"(?P<text>{_TEXT}) | {_OTHER}", re.VERBOSE | re.DOTALL)
_ANY = rf"(?: {_TEXT} | {_OTHER} )"
_LIST = re.compile(
    rf"\s*+\[\s*+ (?: {_ANY}(?:\s*+,\s*+{_ANY})*+ | {_ANY}(?:\s++{_ANY})*+ )? \s*+,?\s*+\]\s*+", re.VERBOSE | re.DOTALL
)
"""As JSON and Python write lists, with commas, and as NumPy does, with spaces; it takes time linear in the text."""


def parse_captions(cell: object) -> list[str]:
    """The captions of a cell: a text, a list of texts, or such a list written as text, as pandas writes it to CSV.

    ``[laughs]`` and ``[UNK] a dog`` are texts. Raises ValueError for anything else, with the reason.
    """
    found = _parse_list(cell) if isinstance(cell, str) else cell
    if found is None:
        raise ValueError("it is empty")
    if not isinstance(found, list):
        raise ValueError(f"{describe_type(found)} is no caption")
    if not found:
        raise ValueError("an empty list is no caption")
    for item in found:
        if not isinstance(item, str):
            raise ValueError(f"it has {describe_type(item)} among its captions")
    return found


def parse_text(cell: object) -> str:
    """The text of a cell; a whole number is taken as it is written.

    Raises ValueError, with the reason, when there is none.
    """
    if isinstance(cell, int) and not isinstance(cell, bool):
        cell = str(cell)
    if cell is not None and not isinstance(cell, str):
        raise ValueError(f"{describe_type(cell)} is no text")
    if cell is None or not cell.strip():
        raise ValueError("it is empty")
    return cell


Captions = Annotated[list[str], BeforeValidator(parse_captions)]
"""What stands in a JSON file where captions are expected."""
FileName = Annotated[str, BeforeValidator(parse_text)]
"""What stands in a JSON file where the name of an image file is expected."""


def describe_type(value: object) -> str:
    """What a value that is no text is called."""
    names: dict[type | tuple[type, ...], str] = {
        bool: "a truth value",
        (int, float): "a number",
        (list, tuple): "a list",
        dict: "an object",
        bytes: "binary data",
        (datetime.date, datetime.time): "a date",
        type(None): "null",
    }
    return next((name for kind, name in names.items() if isinstance(value, kind)), f"a {type(value).__name__}")


def _parse_list(text: str) -> list[str]:
    """The items of a list that is written as ``text``; any other text is the only item."""
    if not _LIST.fullmatch(text):
        return [text]
    items = list(_ITEM.finditer(text, text.index("[") + 1))
    for item in items:
        if item["text"] is None:
            raise ValueError(f"it has {item[0][:20]} among its captions")
    try:
        return [_unquote(item[0]) for item in items]
    except (ValueError, SyntaxError):  # no string that JSON or Python would write
        return [text]


def _unquote(written: str) -> str:
    """The text of a string as JSON or Python writes it."""
    if "\\" not in written:
        return written[1:-1]
    with warnings.catch_warnings(action="ignore"):  # about escapes that Python does not know
        try:
            return json.loads(written)
        except json.JSONDecodeError:
            return ast.literal_eval(written)
