"""Warnings about predictions that change what the metrics mean."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

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


def left_out_warnings(
    predictions: Mapping[ImageId, Sequence[str]],
    references: Mapping[ImageId, Sequence[str]],
    remaining: Path | None,
) -> Iterator[str]:
    """A warning if most captions that leave-one-out set apart are among the references that they are scored against.

    ``remaining`` is the file of the references to use instead; None for captions of models.
    """
    equal = [id for id, captions in predictions.items() if set(captions) & set(references[id])]
    if remaining is not None and 2 * len(equal) > len(predictions):
        yield (
            f"{len(equal)} of {len(predictions)} captions are, word for word, among their image's own references, from "
            f"which leave-one-out took them: their scores are too high; give --references {remaining}"
        )


def _has(things: Collection[object]) -> str:
    return "has" if len(things) == 1 else "have"
