"""The images over which runs are compared."""

from collections.abc import Mapping, Sequence
from typing import Any

from clcap_cli.artifacts.results import Results
from clcap_cli.datasets.records import ImageId, counted
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.evaluation.runs import Run

MIN_IMAGES = 2
"""Fewest common images over which runs can be compared."""


def common_ids(runs: Sequence[Run]) -> list[ImageId]:
    """The images that all runs have, in the order of the first run.

    Raises ClcapError for runs that cannot be compared, and if there are fewer than two such images.
    """
    for run in runs:
        check_is_comparable(run)
    first, *others = runs
    ids = [id for id in first.entries if all(id in other.entries for other in others)]
    if len(ids) < MIN_IMAGES:
        sizes = first_few([f"{run.name} {len(run.entries)}" for run in runs])
        raise ClcapError(
            f"the runs have {counted(len(ids), 'image')} in common ({sizes}); evaluate them on the same images, at "
            f"least {MIN_IMAGES}, or leave out the runs of other images"
        )
    return ids


def check_is_comparable(run: Run) -> None:
    """Raise ClcapError for a run without captions and ranks, and for damaged files."""
    if not run.sources:
        raise ClcapError(f"{run.name} has only a training log; give its *.metrics.json or *.retrieval.json")
    if run.scored and not {"tokenised", "references"} <= set().union(*_fields(run.scored.images[0])):
        raise ClcapError(
            f"{run.scored.path} was written by an older clcap, which did not store captions; run clcap evaluate again"
        )
    for source in run.sources:
        _check_fields(source)


def _check_fields(source: Results) -> None:
    for image in source.images:
        if _fields(image) != _fields(source.images[0]):
            raise ClcapError(f"{source.path} is damaged: image {image['image_id']} lacks values that other images have")


def _fields(image: Mapping[str, Any]) -> set[frozenset[str]]:
    """The field names of an image's entry and, if it has several captions, of the entry of each caption."""
    return {frozenset(image), *map(frozenset, image.get("captions", []))}
