"""The share of unknown words in a split, and advice on a --min-count that reduces it."""

from collections import Counter

MANY_UNKNOWN = 0.1
"""Share of unknown words in a split above which ``advice`` is given."""


def unknown_share(split: Counter[str], training: Counter[str], min_count: int) -> float:
    """Share of the words of ``split`` that occur fewer than ``min_count`` times in ``training``."""
    unknown = sum(count for word, count in split.items() if training[word] < min_count)
    return unknown / max(split.total(), 1)


def advice(name: str, split: Counter[str], training: Counter[str], min_count: int) -> str:
    """Advice on reducing the unknown words of the split called ``name``; empty if there are few."""
    share = unknown_share(split, training, min_count)
    if share <= MANY_UNKNOWN:
        return ""
    finding = f"{share:.1%} of the words of split '{name}' are unknown (UNK)"
    lower = largest_min_count(split, training)
    if lower:
        return f"{finding}; --min-count {lower} lowers this to {unknown_share(split, training, lower):.1%}"
    absent = unknown_share(split, training, 1)
    return (
        f"{finding}; no --min-count lowers this to {MANY_UNKNOWN:.0%}, because {absent:.1%} are in no training caption"
    )


def largest_min_count(split: Counter[str], training: Counter[str]) -> int:
    """The largest --min-count with which few words of ``split`` are unknown; 0 if there is none."""
    words_by_training_count: Counter[int] = Counter()
    for word, count in split.items():
        words_by_training_count[training[word]] += count
    unknown = 0
    for training_count in sorted(words_by_training_count):
        unknown += words_by_training_count[training_count]
        if unknown > MANY_UNKNOWN * split.total():
            return training_count
    return 0
