"""The images in which two settings differ. Images in which they agree say nothing for or against a difference."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

from clcap_cli.metrics.permutation_test import ImageEntries
from clcap_cli.metrics.registry import metric_of
from clcap_cli.metrics.self_retrieval import METRIC as SELF_RETRIEVAL

MIN_BOOTSTRAP_IMAGES = 50
"""Fewest images that differ for which p comes from the bootstrap; with fewer, its p-values are too small."""


def few_differing_images(
    first: Sequence[ImageEntries], second: Sequence[ImageEntries], name: str
) -> tuple[int, ...] | None:
    """Positions of the images that differ in what the value ``name`` depends on, in any two runs of the settings.

    None if there are ``MIN_BOOTSTRAP_IMAGES`` or more.
    """
    found = tuple(islice(_differing(first, second, _fields(name)), MIN_BOOTSTRAP_IMAGES))
    return found if len(found) < MIN_BOOTSTRAP_IMAGES else None


def _differing(first: Sequence[ImageEntries], second: Sequence[ImageEntries], fields: Sequence[str]) -> Iterator[int]:
    for position in range(len(first[0])):
        if any(_parts(one[position], fields) != _parts(two[position], fields) for one, two in product(first, second)):
            yield position


def _parts(entry: Mapping[str, Any], fields: Sequence[str]) -> list[list[Any]]:
    return [[record.get(field) for field in fields] for record in entry.get("captions", [entry])]


def _fields(name: str) -> tuple[str, ...]:
    """The fields of a caption's record that the value ``name`` depends on: ranks alone, or texts with their values."""
    metric = metric_of(name)
    if metric == SELF_RETRIEVAL:
        return metric.columns
    return ("caption", "tokenised", *(metric.columns if metric else ()))
