"""Writing JSON artifacts."""

import json
from pathlib import Path

from clcap_cli.artifacts.atomic import written_whole


def sidecar(path: Path) -> Path:
    """Where a results file, whose own format has no room for it, has its provenance."""
    return path.with_name(f"{path.name.removesuffix('.json')}.provenance.json")


def write_json(path: Path, content: object) -> None:
    """Write plain data as JSON, whole or not at all."""
    with written_whole(path) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
