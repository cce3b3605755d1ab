"""The shares of unknown words and of cut captions, and advice on options that reduce them."""

from collections import Counter
from collections.abc import Sequence
from math import ceil

MANY_UNKNOWN = 0.1
"""Share of unknown words in a split above which ``advice`` is given."""
KEPT_WHOLE = 0.99
"""Share of captions that the --max-length of ``cut_advice`` keeps whole."""
MANY_CUT = 0.2
"""Share of captions longer than --max-length above which ``cut_advice`` is given."""


def unknown_share(split: Counter[str], training: Counter[str], min_count: int) -> float:
    """Share of the words of ``split`` that occur fewer than ``min_count`` times in ``training``."""
    unknown = sum(count for word, count in split.items() if training[word] < min_count)
    return unknown / max(split.total(), 1)


def advice(name: str, split: Counter[str], training: Counter[str], min_count: int, unit: str = "words") -> str:
    """Advice on reducing the unknown words of the split called ``name``; empty if there are few.

    ``unit`` is what they are called in the message.
    """
    share = unknown_share(split, training, min_count)
    if share <= MANY_UNKNOWN:
        return ""
    finding = f"{share:.1%} of the {unit} of split '{name}' are unknown (UNK)"
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


def cut_advice(lengths: Sequence[int], max_length: int, unit: str) -> str:
    """Advice on a larger --max-length, from the lengths of the training captions; empty if few of them are cut."""
    cut = sum(length > max_length for length in lengths)
    if cut <= MANY_CUT * len(lengths):
        return ""
    return (
        f"{cut / len(lengths):.1%} of the training captions have more than {max_length} {unit} and are cut; "
        f"--max-length {sorted(lengths)[ceil(KEPT_WHOLE * len(lengths)) - 1]} keeps {KEPT_WHOLE:.0%} of them whole"
    )
