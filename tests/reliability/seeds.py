"""Real files that clcap wrote, which are mutated."""

from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "data"


def files_of(pattern: str) -> list[Path]:
    """The files of all earlier versions whose names match ``pattern``, and those of this version."""
    found = sorted(path for path in DATA.glob(f"*/{pattern}") if path.is_file())
    if not found:
        raise FileNotFoundError(f"no seed files match {pattern}")
    return found
