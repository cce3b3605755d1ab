"""Description of the images by which predictions and references differ."""

from collections.abc import Collection, Mapping
from pathlib import PurePath

from clcap_cli.datasets.ids import without_leading_zeros
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import first_few


def describe_mismatch(
    predictions: Mapping[ImageId, ImageId],
    references: Collection[ImageId],
    splits: Mapping[str, Collection[ImageId]],
) -> str | None:
    """How the images of predictions and references differ, with a likely reason; None if they are the same.

    ``predictions`` are the ids of the captions' images, by the ids that these have in the file of the references.
    ``splits`` are the images of each split of that file.
    """
    extra = [id for id in predictions if id not in references]
    missing = [id for id in references if id not in predictions]
    if not extra and not missing:
        return None
    parts = []
    if extra:
        parts.append(
            f"{len(extra)} of {len(predictions)} captions are of images without references: "
            f"{first_few([predictions[id] for id in extra])}"
        )
    if missing:
        parts.append(
            f"{len(missing)} of {len(references)} images with references have no caption: {first_few(missing)}"
        )
    reason = _likely_reason(extra, missing, splits)
    return "; ".join(parts) + (f" ({reason})" if reason else "")


def _likely_reason(extra: list[ImageId], missing: list[ImageId], splits: Mapping[str, Collection[ImageId]]) -> str:
    """The most likely reason of a mismatch; empty if none fits."""
    if set(map(without_leading_zeros, extra)) & set(map(without_leading_zeros, missing)):
        return "the ids of one file have leading zeros; write them alike in both"
    if set(map(_trailing_number, extra)) & set(map(_trailing_number, missing)) - {None}:
        return "one file seems to have file names where the other has ids; give a file that has both"
    for split, ids in splits.items():
        if extra and all(id in ids for id in extra):
            return f"the captions seem to be those of split '{split}'"
    return ""


def _trailing_number(id: ImageId) -> int | None:
    """The number at the end of an id or of a file name, such as COCO's; None if there is none."""
    stem = PurePath(str(id)).stem
    digits = stem[len(stem.rstrip("0123456789")) :]
    return int(digits) if digits else None
