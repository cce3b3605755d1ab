"""Reading and validating text and JSON files, with a one-sentence error for every kind of invalid input."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from clcap_cli.errors import ClcapError
from clcap_cli.file_kinds.recognition import file_kind, wrong_file_error
from clcap_cli.file_kinds.texts import INVALID_JSON
from clcap_cli.input_files import check_readable

LARGEST_NUMBER = 1e100
"""Largest absolute value of a number in results and logs; differences and plots of larger ones would overflow."""
T = TypeVar("T")
ObjectHook = Callable[[list[tuple[str, Any]]], Any]


def read_json(path: Path, expected: str = "a JSON file", hook: ObjectHook | None = None) -> Any:
    """Read a JSON file; ``expected`` describes it in a message about a file of another kind.

    ``hook`` makes each object from its keys and values; by default, it is a dict in which a repeated key is an error.

    Raises ClcapError if the file is missing, unreadable, not text, or not valid JSON.
    """
    content = _read_bytes(path)
    try:
        return parse_json(content, path, hook=hook)
    except ClcapError as error:
        if file_kind(path) != INVALID_JSON:
            raise wrong_file_error(path, expected) from error
        raise


def read_text(path: Path) -> str:
    """Read a UTF-8 text file.

    Raises ClcapError if the file is missing, unreadable, or not UTF-8.
    """
    try:
        return _read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClcapError(f"{path} is not a text file (byte {error.start} is not UTF-8)") from error


def read_json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """The line number and the value of every line of a JSON Lines file; empty lines are skipped.

    Raises ClcapError as ``read_json`` does, with the line number.
    """
    return json_lines(read_text(path), path)


def json_lines(text: str, path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the line number and the value of every line of ``text``; empty lines are skipped.

    Raises ClcapError with the line number for a line that is not valid JSON.
    """
    for number, line in enumerate(split_lines(text), start=1):
        if line.strip():
            yield number, parse_json(line, path, number)


def split_lines(text: str) -> list[str]:
    """The lines of ``text``, which end only at line feeds and carriage returns, unlike those of ``str.splitlines``."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def parse_json(content: str | bytes, path: Path, first_line: int = 1, hook: ObjectHook | None = None) -> Any:
    """Parse ``content``, which starts at line ``first_line`` of the file at ``path``.

    Raises ClcapError if it is not valid JSON or exceeds Python's limits.
    """
    with json_errors(path, first_line):
        return json.loads(content, object_pairs_hook=hook or unique_keys)


class RepeatedKeyError(Exception):
    """A key that occurs twice in a JSON object; Python would keep only the last value."""


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs, for Python's JSON decoder; raises RepeatedKeyError if a key occurs twice."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise RepeatedKeyError(next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1))
    return content


@contextmanager
def json_errors(path: Path, first_line: int = 1) -> Iterator[None]:
    """Convert errors of Python's JSON decoder in the block to a ClcapError about the file at ``path``."""
    try:
        yield
    except json.JSONDecodeError as error:
        location = f"line {error.lineno + first_line - 1}, column {error.colno}"
        raise ClcapError(f"{path} is not valid JSON at {location}: {_json_reason(error)}") from error
    except UnicodeDecodeError as error:
        raise ClcapError(f"{path} is not a JSON text file (byte {error.start} is not UTF-8)") from error
    except RepeatedKeyError as error:
        raise ClcapError(f"{path} has the key '{error}' twice in one object; write a list of all its values") from error
    except RecursionError as error:
        raise ClcapError(f"{path} contains lists or objects that are nested too deeply to be read") from error
    except ValueError as error:  # Python limits the number of digits
        raise ClcapError(f"{path} contains a number with thousands of digits; write it as text") from error


def _json_reason(error: json.JSONDecodeError) -> str:
    if error.msg == "Extra data":
        return "more text follows the first value; a single JSON value is expected here, not JSON Lines"
    ends_there = error.msg.startswith("Unterminated") or not error.doc[error.pos :].strip()
    return error.msg + ("; is the file complete?" if ends_there else "")


def finite_numbers(record: Mapping[str, object]) -> dict[str, float]:
    """The values of ``record`` that are numbers of at most ``LARGEST_NUMBER``, which excludes infinity and NaN."""
    return {
        name: value
        for name, value in record.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER
    }


def _read_bytes(path: Path) -> bytes:
    check_readable(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ClcapError(f"{path} cannot be read: {error.strerror or error}") from error


def validated(data: object, schema: type[T], path: Path, expected: str) -> T:
    """``data``, read from ``path``, validated and converted by ``schema``.

    Raises ClcapError that says where in the file the data is invalid; ``expected`` describes a valid file.
    """
    try:
        return TypeAdapter(schema).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        location = ".".join(str(part) for part in first["loc"]) or "the top level"
        reason = first["msg"].removeprefix("Value error, ")
        raise ClcapError(f"{path} is not {expected}: at {location}: {reason}") from error
