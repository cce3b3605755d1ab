"""Names of splits: their order, how many images they have, and names that are probably wrong."""

from collections import Counter
from collections.abc import Iterable

from clcap_cli.datasets.records import counted
from clcap_cli.errors import suggestion

SPLITS = ("train", "val", "test")
"""The splits that stages use, in the order in which they are shown; others follow."""
DEFAULT_SPLIT = "test"
"""The split that stages use unless another is named."""
RESTVAL = "restval"
"""Karpathy's split of those COCO validation images that are in neither val nor test."""


def split_sizes(splits: Iterable[str]) -> dict[str, int]:
    """The number of images in each split, in the order in which splits are shown."""
    return dict(sorted(Counter(splits).items(), key=lambda size: _position(size[0])))


def describe_sizes(splits: Iterable[str]) -> str:
    """The number of images in each split, such as "train 24, val 8"."""
    return ", ".join(f"{split} {count:,}" for split, count in split_sizes(splits).items())


def unknown_splits(splits: Iterable[str], others: Iterable[str] = ()) -> list[str]:
    """Warnings about splits that are neither usual nor in ``others``."""
    known = {*SPLITS, RESTVAL, *others}
    return [
        f"the split '{split}' ({counted(count, 'image')}) is not one of {', '.join(SPLITS)} and {RESTVAL}; "
        f"{suggestion(split, SPLITS, 'stages use it only where it is named with --split')}"
        for split, count in split_sizes(splits).items()
        if split not in known
    ]


def _position(split: str) -> int:
    return SPLITS.index(split) if split in SPLITS else len(SPLITS)
