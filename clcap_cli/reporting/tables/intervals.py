"""How printed tables show confidence intervals and standard deviations."""

import re
from typing import Literal

Intervals = Literal["none", "below", "pm"]
INTERVAL = re.compile(r"\[(.*?), (.*?)\]")


def shown_spread(spread: str, intervals: Intervals) -> str:
    """The text of a cell's spread: whole below the value, as "± half the width" beside it, or only its remarks."""
    if intervals == "none":
        return re.sub(r"^(\[.*?\]|± [^,]*)[, ]*", "", spread)
    return INTERVAL.sub(_half_width, spread) if intervals == "pm" else spread


def _half_width(ends: re.Match[str]) -> str:
    decimals = len(ends[1].partition(".")[2])
    return f"± {(float(ends[2]) - float(ends[1])) / 2:.{decimals}f}"
