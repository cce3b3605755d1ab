"""Reading and validating text and JSON files, with a one-sentence error for every kind of invalid input."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from clcap_cli.errors import ClcapError
from clcap_cli.input_files import check_readable

T = TypeVar("T")
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises ClcapError if the file is missing, unreadable, not text, or not valid JSON.
    """
    return parse_json(_read_bytes(path), path)


def read_text(path: Path) -> str:
    """Read a UTF-8 text file.

    Raises ClcapError if the file is missing, unreadable, or not UTF-8.
    """
    try:
        return _read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClcapError(f"{path} is not a text file (byte {error.start} is not UTF-8)") from error


def read_json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the line number and the value of every line of a JSON Lines file; empty lines are skipped.

    Raises ClcapError as ``read_json`` does, with the line number.
    """
    # Not splitlines, because JSON strings may contain characters that Unicode counts as line ends.
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield number, parse_json(line, path, number)


def read_first_json(path: Path) -> tuple[Any, bool]:
    """The first value of a JSON or JSON Lines file, and whether more lines follow, which makes it JSON Lines.

    Raises ClcapError as ``read_json`` does.
    """
    content = _read_bytes(path)
    with _json_errors(path):
        text = content.decode(json.detect_encoding(content), "surrogatepass")  # like json.loads
        start = _skip_space(text, 0)
        value, end = _DECODER.raw_decode(text, start)
        rest = _skip_space(text, end)
        if rest == len(text):
            return value, False
        if text.find("\n", start, end) >= 0 or text.find("\n", end, rest) < 0:
            raise json.JSONDecodeError("Extra data", text, rest)
        return value, True


def parse_json(content: str | bytes, path: Path, first_line: int = 1) -> Any:
    """Parse ``content``, which starts at line ``first_line`` of the file at ``path``.

    Raises ClcapError if it is not valid JSON or exceeds Python's limits.
    """
    with _json_errors(path, first_line):
        return json.loads(content)


@contextmanager
def _json_errors(path: Path, first_line: int = 1) -> Iterator[None]:
    try:
        yield
    except json.JSONDecodeError as error:
        raise ClcapError(
            f"{path} is not valid JSON at line {error.lineno + first_line - 1}, column {error.colno}: {error.msg}; "
            "is the file complete?"
        ) from error
    except UnicodeDecodeError as error:
        raise ClcapError(f"{path} is not a JSON text file (byte {error.start} is not UTF-8)") from error
    except RecursionError as error:
        raise ClcapError(f"{path} contains lists or objects that are nested too deeply to be read") from error
    except ValueError as error:  # Python limits the number of digits
        raise ClcapError(f"{path} contains a number with thousands of digits; write it as text") from error


def _skip_space(text: str, start: int) -> int:
    """Position of the first character after ``start`` that is not white space."""
    return start + len(_SPACE.match(text, start)[0])  # type: ignore[index]  # the pattern always matches


def finite_numbers(record: Mapping[str, object]) -> dict[str, float]:
    """The values of ``record`` that are finite numbers within the range of a float."""
    return {
        name: value
        for name, value in record.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
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
