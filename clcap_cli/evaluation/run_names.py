"""Names of runs that differ in their seed."""

import re
from collections.abc import Sequence

SEED = "{seed}"
LAST_NUMBER = re.compile(r"\d+(?=\D*$)")
NUMBER = re.compile(r"(\d+)")
SHOWN = 3
"""Largest number of names that are listed where they have no pattern."""


def setting_patterns(settings: Sequence[Sequence[str]]) -> list[str]:
    """A different pattern for each setting, from the names of its runs: their common pattern or, if others have the
    same, a list of the names."""
    patterns = [common_pattern(names) for names in settings]
    return [
        _listed(names) if patterns.count(pattern) > 1 and len(names) > 1 else pattern
        for names, pattern in zip(settings, patterns, strict=True)
    ]


def common_pattern(names: Sequence[str]) -> str:
    """The names with ``{seed}`` in place of the numbers that differ; where other parts differ, the first names."""
    parts = list(zip(*map(NUMBER.split, names), strict=False))
    same_length = len({len(NUMBER.split(name)) for name in names}) == 1
    if not same_length or any(len(set(texts)) > 1 for texts in parts[::2]):
        return _listed(names)
    return "".join(texts[0] if len(set(texts)) == 1 else SEED for texts in parts)


def _listed(names: Sequence[str]) -> str:
    return ", ".join([*names[:SHOWN], *(["…"] if len(names) > SHOWN else [])])
