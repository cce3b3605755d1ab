"""Writing JSON artifacts."""

import json
from pathlib import Path

from clcap_cli.artifacts.atomic import atomic_write


def provenance_path(path: Path) -> Path:
    """The file with the provenance of a results file, for formats that cannot contain it."""
    return path.with_name(f"{path.name.removesuffix('.json')}.provenance.json")


def write_json(path: Path, content: object) -> None:
    """Write ``content`` as JSON atomically, with each item of a list on a separate line."""
    with atomic_write(path) as part:
        part.write_text(_lines(content) + "\n", encoding="utf-8")


def _lines(content: object) -> str:
    """JSON with line breaks; ``indent=1`` is ten times slower and puts each number of a nested list on its own line."""
    if isinstance(content, dict) and content:
        return "{\n" + ",\n".join(f"{_line(key)}: {_lines(value)}" for key, value in content.items()) + "\n}"
    if isinstance(content, list) and content:
        return "[\n" + ",\n".join(map(_line, content)) + "\n]"
    return _line(content)


def _line(content: object) -> str:
    return json.dumps(content, ensure_ascii=False)
