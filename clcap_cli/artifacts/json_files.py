"""Writing JSON artifacts."""

import json
from pathlib import Path

from clcap_cli.artifacts.atomic import atomic_write


def provenance_path(path: Path) -> Path:
    """Where a results file, whose own format has no room for it, has its provenance."""
    return path.with_name(f"{path.name.removesuffix('.json')}.provenance.json")


def write_json(path: Path, content: object) -> None:
    """Write plain data as JSON, whole or not at all; of lists each item on a line of its own."""
    with atomic_write(path) as part:
        part.write_text(_lines(content) + "\n", encoding="utf-8")


def _lines(content: object) -> str:
    """Not ``indent=1``: that is ten times slower, and gives every number of a list a line."""
    if isinstance(content, dict) and content:
        return "{\n" + ",\n".join(f"{_line(key)}: {_lines(value)}" for key, value in content.items()) + "\n}"
    if isinstance(content, list) and content:
        return "[\n" + ",\n".join(map(_line, content)) + "\n]"
    return _line(content)


def _line(content: object) -> str:
    return json.dumps(content, ensure_ascii=False)
