"""Text files: JSON, tables, pages and pointers."""

import csv
import json
import re
from pathlib import Path
from typing import Any

from clcap_cli.errors import first_few
from clcap_cli.file_kinds.clcap_files import description_of
from clcap_cli.file_kinds.kind import HEAD_SIZE, FileKind

LFS = b"version https://git-lfs.github.com/spec/"
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
LATEX = "% needs \\usepackage{booktabs"
LARGEST_JSON = 2**28
"""Largest size in bytes of a JSON file that is parsed to describe it."""
SEPARATORS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "|"}
PAGE = FileKind("an HTML page, not the file itself", "download the file itself; the link leads to a page about it")
REPORT = FileKind("a page of report", use="open it in a browser", by_clcap=True)
LOG = FileKind("a training log (*.log.jsonl) of train-mle or train-cl", by_clcap=True)
INVALID_JSON = FileKind("JSON that is cut off or invalid", use="download or create it again", is_plain=True)
POINTER = FileKind("a Git LFS pointer, not the file itself", "get the file with: git lfs pull")


def text_kind(path: Path, head: bytes) -> FileKind | None:
    """What a text file is; None for a file that is no text."""
    if head.startswith(LFS):
        return POINTER
    text = _decoded(head)
    if text is None:
        return None
    start = text.lstrip()
    if re.match(r"<!doctype html|<html", start, re.IGNORECASE):
        return REPORT if "<title>clcap report" in text else PAGE
    if start.startswith(("<svg", "<?xml")):
        return _drawing_kind(text)
    if start.startswith(LATEX):
        return FileKind("LaTeX tables of report or compare", by_clcap=True)
    if start.startswith(("{", "[")):
        return _json_kind(path)
    table = _table_kind(text, complete=len(head) < HEAD_SIZE)
    return table or _settings_kind(text) or FileKind(_text_description(text), is_plain=True)


def _drawing_kind(text: str) -> FileKind:
    if "<svg" not in text:
        return FileKind("an XML file")
    return FileKind("a plot of Matplotlib, as report --plots writes" if "Matplotlib" in text else "an SVG drawing")


def _settings_kind(text: str) -> FileKind | None:
    """Options in YAML, as --print-config prints them: one name and value a line, or the items of a list."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    names = [match[1] for line in lines if (match := re.match(r"([A-Za-z][\w-]*):(?: |$)", line))]
    if len(names) < 2 or any(not re.match(r"[A-Za-z][\w-]*:(?: |$)|- ", line) for line in lines):
        return None
    return FileKind(
        f"YAML settings with the names {first_few(names)}", use="options of a stage are given with --config"
    )


def _decoded(head: bytes) -> str | None:
    """The start of a file as text; None if it is binary."""
    mark = next((encoding for start, encoding in BYTE_ORDER_MARKS.items() if head.startswith(start)), None)
    if mark is None and b"\0" in head:
        return None
    return head.decode(mark or "utf-8", "replace")


def _text_description(text: str) -> str:
    return f"a text file that starts with {text.strip()[:40]!r}" if text.strip() else "a file of white space only"


def _json_kind(path: Path) -> FileKind:
    if path.stat().st_size > LARGEST_JSON:
        return FileKind("a JSON file", is_plain=True)
    content = path.read_bytes()
    try:
        return _value_kind(json.loads(content))
    except (ValueError, RecursionError):
        pass
    try:
        first = json.loads(content.strip().partition(b"\n")[0])
    except (ValueError, RecursionError):
        return INVALID_JSON
    return _lines_kind(first)


def _lines_kind(first: Any) -> FileKind:
    return LOG if _is_validation(first) else FileKind(f"JSON Lines, the first {_described(first)}", is_plain=True)


def _is_validation(value: Any) -> bool:
    """Whether a value is a line of a training log."""
    return isinstance(value, dict) and {"epoch", "seconds"} <= value.keys()


def _value_kind(value: Any) -> FileKind:
    if _is_validation(value):
        return LOG
    record = value.get("provenance", value) if isinstance(value, dict) else None
    format = record.get("format") if isinstance(record, dict) else None
    if not isinstance(format, str) or not format.startswith("clcap/"):
        return FileKind(f"JSON: {_described(value)}", is_plain=True)
    if record is value:
        return FileKind(f"the provenance record of {description_of(format)}", "give the file itself", by_clcap=True)
    return FileKind(description_of(format))


def _described(value: Any) -> str:
    if isinstance(value, dict):
        return f"an object with the keys {first_few([str(key)[:30] for key in value])}" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value):,}, the first {_described(value[0])}" if value else "an empty list"
    return {str: "a string", bool: "true or false", type(None): "null"}.get(type(value), "a number")


def _table_kind(text: str, complete: bool) -> FileKind | None:
    """A table of text with separated columns; the last of the lines is whole only if the file is ``complete``."""
    lines = text.splitlines()
    lines = lines if complete else lines[:-1]
    for separator in SEPARATORS:
        rows = [row for row in csv.reader(lines[:5], delimiter=separator) if row]
        if len(rows) > 1 and len(rows[0]) > 1 and len({*map(len, rows)}) == 1:
            if rows[0][0] == "run" and separator == ",":
                return FileKind("a table of metrics of report --csv", by_clcap=True)
            columns = first_few([name.strip()[:30] for name in rows[0]])
            return FileKind(
                f"a table with columns separated by {SEPARATORS[separator]}, the first row {columns}", is_plain=True
            )
    return None
