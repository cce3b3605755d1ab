"""Holm's correction of the p-values of several tests (Holm 1979)."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

Test = TypeVar("Test", bound=Hashable)


def holm_corrected(p_values: Mapping[Test, float]) -> dict[Test, float]:
    """The p-values of a family of tests, corrected for the number of tests.

    The chance that any of the corrected p-values falls below 0.05 without a true difference is at most 5%.
    """
    corrected: dict[Test, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        corrected[name] = largest
    return corrected
