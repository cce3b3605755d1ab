"""Parsing of captions and other texts in the cells of tables and in JSON, with the same rules for every format."""

import ast
import datetime
import json
import math
import re
import warnings
from contextlib import suppress
from decimal import Decimal
from typing import TypeVar

from clcap_cli.datasets.limits import MAX_CAPTION_LENGTH, MAX_NAME_LENGTH

T = TypeVar("T")

TEXT_KEYS = ("raw", "caption", "text", "sentence")
"""Keys of the text in an object that stands for a caption, as in Karpathy's files and in COCO's annotations."""
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Name of a split by the names in common use."""
_ROUNDED = re.compile(r"[-+]?[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+")
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

    An object with one of the keys in ``TEXT_KEYS`` stands for its text. ``[laughs]`` and ``[UNK] a dog`` are captions,
    not lists. Raises ValueError with the reason for anything else.
    """
    cell = _text_of_object(_object_of(_check_length(cell)))
    captions = _parse_list(cell) if isinstance(cell, str) else cell
    if _is_null(captions):
        raise ValueError("it is empty")
    if not isinstance(captions, list):
        raise ValueError(f"{describe_type(captions)} is not a caption")
    if not captions:
        raise ValueError("an empty list is not a caption")
    return [text for item in captions for text in _parse_item(item)]


def _check_length(cell: T, longest: int = MAX_CAPTION_LENGTH) -> T:
    """``cell``; raises ValueError if it is a text of more than ``longest`` characters."""
    if isinstance(cell, str) and len(cell) > longest:
        raise ValueError(f"it has {len(cell):,} characters, more than {longest:,}")
    return cell


def _parse_item(item: object) -> list[str]:
    """The captions that an item of a list stands for: a string for one, an object for those of its text."""
    if isinstance(item, str):
        return [_check_length(item)]
    if isinstance(item, dict) and not isinstance(_text_of_object(item), dict):
        return parse_captions(item)
    raise ValueError(f"it contains {describe_type(item)} among its captions")


def parse_text(cell: object) -> str:
    """The text of a cell; an integer becomes its digits.

    Raises ValueError with the reason if the cell is empty or of another type.
    """
    cell = container_of(cell)
    if isinstance(cell, int) and not isinstance(cell, bool):
        cell = str(cell)
    if is_empty(cell):
        raise ValueError("it is empty")
    if not isinstance(cell, str):
        raise ValueError(f"{describe_type(cell)} is not a string")
    return _check_length(cell, MAX_NAME_LENGTH)


def is_empty(cell: object) -> bool:
    """Whether a cell is null or blank."""
    return _is_null(cell) or (isinstance(cell, str) and not cell.strip())


def parse_file_name(cell: object) -> str:
    """The file name of an image: text, or an object with a path, as Hugging Face's datasets have it.

    Raises ValueError with the reason for anything else.
    """
    cell = _object_of(_check_length(cell))
    if isinstance(cell, dict) and "path" in cell:
        if _is_null(cell["path"]):
            raise ValueError("the image has no path")
        cell = cell["path"]
    return check_not_rounded(parse_text(cell).strip())


def check_not_rounded(text: str) -> str:
    """``text``, the id or the file name of an image; raises ValueError if a spreadsheet rounded it to 1.00027E+09."""
    if _ROUNDED.fullmatch(text.strip()):
        raise ValueError(f"{text.strip()} is a rounded number, as spreadsheets show long ids; export all digits")
    return text


def parse_split(cell: object) -> str:
    """The name of a split; other common names become train, val and test.

    Raises ValueError with the reason if the cell is empty or not text.
    """
    name = parse_text(cell).strip()
    return SPLIT_NAMES.get(name.casefold(), name)


def describe_type(value: object) -> str:
    """Description of a value's type in messages."""
    names: dict[type | tuple[type, ...], str] = {
        bool: "a boolean",
        (int, float, Decimal): "a number",
        (list, tuple): "a list",
        dict: "an object",
        bytes: "binary data",
        (datetime.date, datetime.time): "a date",
        type(None): "null",
    }
    return next((name for kind, name in names.items() if isinstance(value, kind)), f"a {type(value).__name__}")


def _text_of_object(cell: object) -> object:
    """The text of an object that stands for a caption; anything else is returned as it is."""
    if not isinstance(cell, dict):
        return cell
    filled = [cell[key] for key in TEXT_KEYS if not _is_null(cell.get(key))]  # Parquet fills absent keys with null
    if isinstance(cell.get("tokens"), list) and not filled:
        return " ".join(map(str, cell["tokens"]))
    return filled[0] if filled else cell


def container_of(cell: object) -> object:
    """The list or object that a string represents, as pandas writes them to CSV; any other cell as it is.

    Raises ValueError for a string that is too long.
    """
    _check_length(cell)
    if isinstance(cell, str) and cell.lstrip().startswith("[") and _LIST.fullmatch(cell):
        return [cell]
    return _object_of(cell)


def _object_of(cell: object) -> object:
    """The object that a string represents; any other cell as it is."""
    if not isinstance(cell, str) or not cell.lstrip().startswith("{") or not cell.rstrip().endswith("}"):
        return cell
    value = _literal(cell)
    return value if isinstance(value, dict) else cell


def _is_null(cell: object) -> bool:
    """Whether a cell is empty: null, or the NaN that pandas writes instead."""
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _parse_list(text: str) -> list[object]:
    """The items of the list that ``text`` represents; any other text is returned as the only item."""
    if not _LIST.fullmatch(text):
        return [text]
    items = list(_ITEM.finditer(text, text.index("[") + 1))
    for item in items:
        if item["text"] is None:
            value = _literal(text)
            if isinstance(value, list) and any(isinstance(one, dict) for one in value):
                return value
            raise ValueError(f"it contains {item[0][:20]} among its captions")
    try:
        return [_unquote(item[0]) for item in items]
    except (ValueError, SyntaxError):  # not a string literal of JSON or Python
        return [text]


def _literal(text: str) -> object:
    """The value of a literal of JSON or Python; None for any other text."""
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    with warnings.catch_warnings(action="ignore"), suppress(ValueError, SyntaxError, RecursionError, MemoryError):
        return ast.literal_eval(text.strip())
    return None


def _unquote(literal: str) -> str:
    """The text of a string literal of JSON or Python."""
    if "\\" not in literal:
        return literal[1:-1]
    with warnings.catch_warnings(action="ignore"):  # about unknown escape sequences
        try:
            return json.loads(literal)
        except json.JSONDecodeError:
            return ast.literal_eval(literal)
