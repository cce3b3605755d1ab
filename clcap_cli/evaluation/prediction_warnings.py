"""Warnings about predictions that change what the metrics mean."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import first_few


def prediction_warnings(predictions: Mapping[ImageId, Sequence[str]]) -> Iterator[str]:
    """Warnings about images that have several captions where others have one."""
    several = [id for id, captions in predictions.items() if len(captions) > 1]
    if 0 < len(several) < len(predictions):
        yield (
            f"{len(several)} of {len(predictions)} images {_has(several)} several captions, the others one: "
            f"{first_few(several)}; every metric is reported for the best caption and as the mean over captions"
        )


def _has(things: Collection[object]) -> str:
    return "has" if len(things) == 1 else "have"
