"""Parsing of captions and other texts in the cells of tables and in JSON, with the same rules for every format."""

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
"""A list as JSON and Python write it, with commas, or as NumPy does, with spaces. Matching takes linear time."""


def parse_captions(cell: object) -> list[str]:
    """The captions of a cell: a string, a list of strings, or such a list written as a string, as pandas does in CSV.

    ``[laughs]`` and ``[UNK] a dog`` are captions, not lists. Raises ValueError with the reason for anything else.
    """
    captions = _parse_list(cell) if isinstance(cell, str) else cell
    if captions is None:
        raise ValueError("it is empty")
    if not isinstance(captions, list):
        raise ValueError(f"{describe_type(captions)} is not a caption")
    if not captions:
        raise ValueError("an empty list is not a caption")
    for item in captions:
        if not isinstance(item, str):
            raise ValueError(f"it contains {describe_type(item)} among its captions")
    return captions


def parse_text(cell: object) -> str:
    """The text of a cell; an integer becomes its digits.

    Raises ValueError with the reason if the cell is empty or of another type.
    """
    if isinstance(cell, int) and not isinstance(cell, bool):
        cell = str(cell)
    if cell is not None and not isinstance(cell, str):
        raise ValueError(f"{describe_type(cell)} is not a string")
    if cell is None or not cell.strip():
        raise ValueError("it is empty")
    return cell


Captions = Annotated[list[str], BeforeValidator(parse_captions)]
"""Pydantic type of captions in a JSON file: a string or a list of strings."""
FileName = Annotated[str, BeforeValidator(parse_text)]
"""Pydantic type of an image's file name in a JSON file."""


def describe_type(value: object) -> str:
    """Description of a value's type in messages."""
    names: dict[type | tuple[type, ...], str] = {
        bool: "a boolean",
        (int, float): "a number",
        (list, tuple): "a list",
        dict: "an object",
        bytes: "binary data",
        (datetime.date, datetime.time): "a date",
        type(None): "null",
    }
    return next((name for kind, name in names.items() if isinstance(value, kind)), f"a {type(value).__name__}")


def _parse_list(text: str) -> list[str]:
    """The items of the list that ``text`` represents; any other text is returned as the only item."""
    if not _LIST.fullmatch(text):
        return [text]
    items = list(_ITEM.finditer(text, text.index("[") + 1))
    for item in items:
        if item["text"] is None:
            raise ValueError(f"it contains {item[0][:20]} among its captions")
    try:
        return [_unquote(item[0]) for item in items]
    except (ValueError, SyntaxError):  # not a string literal of JSON or Python
        return [text]


def _unquote(literal: str) -> str:
    """The text of a string literal of JSON or Python."""
    if "\\" not in literal:
        return literal[1:-1]
    with warnings.catch_warnings(action="ignore"):  # about unknown escape sequences
        try:
            return json.loads(literal)
        except json.JSONDecodeError:
            return ast.literal_eval(literal)
