"""The command that writes the tables of a page as LaTeX."""

import shlex
from collections.abc import Sequence
from pathlib import Path


def paper_command(files: Sequence[Path], tables: Path | None, baseline: str | None) -> str:
    """The command for a shell, with the files and options that decide the tables and their marks."""
    given = {"--tables": tables, "--baseline": baseline}
    options = [word for name, value in given.items() if value is not None for word in (name, str(value))]
    return shlex.join(["clcap", "report", *map(str, files), *options, "--text", "--latex", "tables.tex"])
