"""Names of runs that differ in their seed."""

import re
from collections.abc import Sequence

SEED = "{seed}"
LAST_NUMBER = re.compile(r"\d+(?=\D*$)")
NUMBER = re.compile(r"(\d+)")
SHOWN = 3
"""Largest number of names that are listed where they have no pattern."""


def common_pattern(names: Sequence[str]) -> str:
    """The names with ``{seed}`` in place of the numbers that differ; where other parts differ, the first names."""
    parts = list(zip(*map(NUMBER.split, names), strict=False))
    same_length = len({len(NUMBER.split(name)) for name in names}) == 1
    if not same_length or any(len(set(texts)) > 1 for texts in parts[::2]):
        return ", ".join([*names[:SHOWN], *(["…"] if len(names) > SHOWN else [])])
    return "".join(texts[0] if len(set(texts)) == 1 else SEED for texts in parts)
