"""Reading other people's JSON: every way in which it can be wrong becomes one sentence."""

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
    """The content of a JSON file.

    Raises ClcapError when the file is missing, unreadable, not text, or not whole.
    """
    return parse_json(_content(path), path)


def read_text(path: Path) -> str:
    """The content of a text file, which is UTF-8.

    Raises ClcapError when the file is missing, unreadable, or not text.
    """
    try:
        return _content(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClcapError(f"{path} is not a text file (byte {error.start} is not UTF-8)") from error


def read_json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """The number and the content of every line of a JSON Lines file that is not empty.

    Raises ClcapError, with the line's number, as ``read_json`` does.
    """
    # Not splitlines: a JSON text may hold marks that Unicode counts as line ends.
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield number, parse_json(line, path, number)


def read_first_json(path: Path) -> tuple[Any, bool]:
    """The first value of a file that is JSON or JSON Lines, and whether it is JSON Lines: another line follows.

    Raises ClcapError as ``read_json`` does.
    """
    content = _content(path)
    with _json_errors(path):
        text = content.decode(json.detect_encoding(content), "surrogatepass")  # as json.loads does
        start = _end_of_space(text, 0)
        value, end = _DECODER.raw_decode(text, start)
        rest = _end_of_space(text, end)
        if rest == len(text):
            return value, False
        if text.find("\n", start, end) >= 0 or text.find("\n", end, rest) < 0:
            raise json.JSONDecodeError("Extra data", text, rest)
        return value, True


def parse_json(content: str | bytes, path: Path, first_line: int = 1) -> Any:
    """What ``content``, which starts at ``first_line`` of the file at ``path``, says.

    Raises ClcapError when it is not JSON, or none that can be read.
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
            "is the file whole?"
        ) from error
    except UnicodeDecodeError as error:
        raise ClcapError(f"{path} is not a JSON text file (byte {error.start} is not UTF-8)") from error
    except RecursionError as error:
        raise ClcapError(f"{path} holds lists or objects that are nested too deeply to be read") from error
    except ValueError as error:  # Python's own limit
        raise ClcapError(f"{path} holds a number of thousands of digits; write it as text") from error


def _end_of_space(text: str, start: int) -> int:
    """Where the white space that starts at ``start`` ends."""
    return start + len(_SPACE.match(text, start)[0])  # type: ignore[index]  # it matches everywhere


def finite_numbers(record: Mapping[str, object]) -> dict[str, float]:
    """Those of a record's values that are numbers, finite and within what a float can hold."""
    return {
        name: value
        for name, value in record.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    }


def _content(path: Path) -> bytes:
    check_readable(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ClcapError(f"{path} cannot be read: {error.strerror or error}") from error


def validated(data: object, schema: type[T], path: Path, what: str) -> T:
    """``data`` as ``schema`` describes it.

    Raises ClcapError that names the place in the file where it is not ``what``.
    """
    try:
        return TypeAdapter(schema).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top level"
        reason = first["msg"].removeprefix("Value error, ")
        raise ClcapError(f"{path} is not {what}: at {where}: {reason}") from error
