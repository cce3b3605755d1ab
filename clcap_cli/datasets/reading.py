"""Reading other people's JSON: every way in which it can be wrong becomes one sentence."""

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from clcap_cli.errors import ClcapError

T = TypeVar("T")


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises ClcapError when the file is missing, unreadable, not text, or not whole.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ClcapError(f"no such file: {path}") from error
    except OSError as error:
        raise ClcapError(f"{path} cannot be read: {error.strerror or error}") from error
    except json.JSONDecodeError as error:
        raise ClcapError(
            f"{path} is not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}; is the file whole?"
        ) from error
    except UnicodeDecodeError as error:
        raise ClcapError(f"{path} is not a JSON text file (byte {error.start} is not UTF-8)") from error


def checked(data: object, schema: type[T], path: Path, what: str) -> T:
    """``data`` as ``schema`` describes it.

    Raises ClcapError that names the place in the file where it is not ``what``.
    """
    try:
        return TypeAdapter(schema).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top level"
        raise ClcapError(f"{path} is not {what}: at {where}: {first['msg']}") from error
