"""The images whose captions gain and lose most between two settings."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clcap_cli.datasets.records import ImageId
from clcap_cli.evaluation.seed_groups import SeedGroup

SHOWN_CHANGES = 3
"""Number of images with the largest gains, and of those with the largest losses."""
CHANGE_METRICS = ("CIDEr", "ROUGE_L", "METEOR", "BLEU-4")
"""Metrics by which images with gains and losses are ranked, in order of preference; the first shared one is used."""


@dataclass(frozen=True)
class ImageChange:
    """The values and captions of one image before and after."""

    id: ImageId
    values: tuple[float, float]
    """Means over the runs of both settings."""
    captions: tuple[str, str]
    """Captions of the first run of both settings."""

    @property
    def gain(self) -> float:
        """The value after minus the value before."""
        return self.values[1] - self.values[0]


@dataclass(frozen=True)
class LargestChanges:
    """The images with the largest changes of one metric."""

    metric: str
    gained: list[ImageChange]
    lost: list[ImageChange]


def largest_changes(
    before: SeedGroup, after: SeedGroup, ids: Sequence[ImageId], not_comparable: Container[str]
) -> LargestChanges | None:
    """The images that gain and lose most in the first of ``CHANGE_METRICS`` that can be compared; None without one."""
    sides = before.entries(ids), after.entries(ids)
    name = _change_metric(sides[0][0][0], sides[1][0][0], not_comparable)
    if name is None:
        return None
    first, second = sides
    changes = [
        ImageChange(
            id,
            (_mean(first, row, name), _mean(second, row, name)),
            (first[0][row]["caption"], second[0][row]["caption"]),
        )
        for row, id in enumerate(ids)
    ]
    in_order = sorted(changes, key=lambda change: change.gain)
    gained = [change for change in in_order[: -SHOWN_CHANGES - 1 : -1] if change.gain > 0]
    return LargestChanges(name, gained, [change for change in in_order[:SHOWN_CHANGES] if change.gain < 0])


def _change_metric(image: Mapping[str, Any], other: Mapping[str, Any], not_comparable: Container[str]) -> str | None:
    shared = [name for name in image if name in other and name not in not_comparable]
    names = (n for base in CHANGE_METRICS for n in shared if n == base or n.startswith(f"{base}_best_of_"))
    return next(names, None)


def _mean(runs: Sequence[Sequence[Mapping[str, Any]]], row: int, name: str) -> float:
    return sum(images[row][name] for images in runs) / len(runs)
