"""The share of a split's words that are unknown, and the --min-count that would lower it."""

from collections import Counter

MANY_UNKNOWN = 0.1
"""Share of a split's words; a split with a larger share of unknown words gets advice."""


def unknown_share(split: Counter[str], training: Counter[str], min_count: int) -> float:
    """Share of the words counted in ``split`` that occur fewer than ``min_count`` times in the training captions."""
    unknown = sum(number for word, number in split.items() if training[word] < min_count)
    return unknown / max(split.total(), 1)


def advice(name: str, split: Counter[str], training: Counter[str], min_count: int) -> str:
    """How to have fewer unknown words in the split called ``name``; empty where there are few."""
    share = unknown_share(split, training, min_count)
    if share <= MANY_UNKNOWN:
        return ""
    found = f"{share:.1%} of the words of split '{name}' are unknown (UNK)"
    lower = largest_min_count(split, training)
    if lower:
        return f"{found}; --min-count {lower} lowers this to {unknown_share(split, training, lower):.1%}"
    absent = unknown_share(split, training, 1)
    return f"{found}; no --min-count lowers this to {MANY_UNKNOWN:.0%}, as {absent:.1%} are in no training caption"


def largest_min_count(split: Counter[str], training: Counter[str]) -> int:
    """The largest --min-count that leaves few words of ``split`` unknown; 0 where none does."""
    numbers: Counter[int] = Counter()
    for word, number in split.items():
        numbers[training[word]] += number
    unknown = 0
    for count in sorted(numbers):
        unknown += numbers[count]
        if unknown > MANY_UNKNOWN * split.total():
            return count
    return 0
