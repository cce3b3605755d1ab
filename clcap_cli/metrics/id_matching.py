"""Putting captions and references of the same images together, and saying why that fails."""

from collections.abc import Collection, Mapping
from pathlib import PurePath

from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import first_few


def mismatch(
    predictions: Collection[ImageId], references: Collection[ImageId], splits: Mapping[str, Collection[ImageId]]
) -> str | None:
    """How the images of captions and those of references differ, with a guess at the reason; None if they do not.

    ``splits`` are the images of each split that the references could have been taken from.
    """
    extra = [id for id in predictions if id not in references]
    missing = [id for id in references if id not in predictions]
    if not extra and not missing:
        return None
    parts = []
    if extra:
        parts.append(
            f"{len(extra)} of {len(predictions)} captions are of images without references: {first_few(extra)}"
        )
    if missing:
        parts.append(
            f"{len(missing)} of {len(references)} images with references have no caption: {first_few(missing)}"
        )
    guess = _guess(extra, missing, splits)
    return "; ".join(parts) + (f" ({guess})" if guess else "")


def _guess(extra: list[ImageId], missing: list[ImageId], splits: Mapping[str, Collection[ImageId]]) -> str:
    """The likeliest reason, or nothing."""
    if set(map(str, extra)) & set(map(str, missing)):
        return "it seems that ids are numbers in one and text in the other"
    if set(map(_number, extra)) & set(map(_number, missing)) - {None}:
        return "it seems that one has file names where the other has ids"
    for split, ids in splits.items():
        if extra and all(id in ids for id in extra):
            return f"it seems that the captions are of split '{split}'"
    return ""


def _number(id: ImageId) -> int | None:
    """The number at the end of a file's name, as COCO has it, or of an id."""
    stem = PurePath(str(id)).stem
    digits = stem[len(stem.rstrip("0123456789")) :]
    return int(digits) if digits else None
