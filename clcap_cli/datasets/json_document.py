"""JSON and JSON Lines files of users."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clcap_cli.datasets.parsing import json_errors, unique_keys
from clcap_cli.errors import ClcapError

_DECODER = json.JSONDecoder(object_pairs_hook=unique_keys)
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class JsonDocument:
    """The start of a JSON or JSON Lines file."""

    value: Any
    """Content of a JSON file, or of the first line of JSON Lines."""
    is_json_lines: bool
    """Whether more lines follow, which makes the file JSON Lines."""


def read_document(text: str, path: Path) -> JsonDocument:
    """The first value of ``text``, the content of a JSON or JSON Lines file.

    Raises ClcapError if it is not valid JSON.
    """
    with json_errors(path):
        start = _skip_space(text, 0)
        value, end = _DECODER.raw_decode(text, start)
        rest = _skip_space(text, end)
        if rest == len(text):
            return JsonDocument(value, is_json_lines=False)
        line = text.count("\n", 0, rest) + 1
        if not {"\n", "\r"} & {*text[end:rest]}:
            raise ClcapError(f"{path} is not valid JSON: line {line} has more text after the end of a value")
        if "\n" in text[start:end]:
            raise ClcapError(
                f"{path} contains several JSON values, the second from line {line}; put them in one list, or each on "
                "one line (JSON Lines)"
            )
        return JsonDocument(value, is_json_lines=True)


def _skip_space(text: str, start: int) -> int:
    """Position of the first character after ``start`` that is not white space."""
    return start + len(_SPACE.match(text, start)[0])  # type: ignore[index]  # the pattern always matches
