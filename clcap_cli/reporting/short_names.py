"""Names of settings that fit a column of a terminal."""

from collections.abc import Sequence

from clcap_cli.evaluation.run_names import SEED

WIDTH = 11


def short_names(names: Sequence[str]) -> list[str]:
    """The names in at most ``WIDTH`` characters; numbers where shortened names would be the same."""
    short = [_shortened(name) for name in names]
    return short if len(set(short)) == len(short) else [f"run {number}" for number, _ in enumerate(names, 1)]


def _shortened(name: str) -> str:
    pattern = name.split(", ")[0].replace(SEED, "#")
    return pattern if len(pattern) <= WIDTH else f"{pattern[: WIDTH - 6]}…{pattern[-5:]}"
