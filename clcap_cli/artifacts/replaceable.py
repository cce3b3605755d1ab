"""Which existing file an output may replace: one of the same kind, or one whose content says nothing of its purpose."""

import os
from pathlib import Path

from clcap_cli.artifacts.json_files import provenance_path
from clcap_cli.errors import ClcapError
from clcap_cli.file_kinds.clcap_files import description_of
from clcap_cli.file_kinds.recognition import file_kind
from clcap_cli.input_files import is_file


def check_replaceable(path: Path, written: str) -> None:
    """Raise ClcapError if the file at ``path`` is recognised, and as another kind than ``written``, a noun phrase.

    Empty files, text, and tables and JSON of other programs may be replaced.
    """
    if not is_file(path) or not os.access(path, os.R_OK) or not path.stat().st_size:
        return
    kind = file_kind(path)
    found = _recorded_kind(path) if kind.is_plain else kind.description
    if found not in (None, written):
        raise ClcapError(
            f"{path} exists and is {found}, so it is not replaced by {written}; give another name or delete the file"
        )


def _recorded_kind(path: Path) -> str | None:
    """What a plain file is according to the provenance beside it."""
    return description_of("clcap/caption-results") if is_file(provenance_path(path)) else None
