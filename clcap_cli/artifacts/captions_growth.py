"""Whether a new ``captions.h5`` contains everything of the earlier one that it replaces."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clcap_cli.artifacts.captions import Captions, open_captions
from clcap_cli.artifacts.provenance import extended_ids
from clcap_cli.datasets.records import ImageRecord
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import is_file

VOCABULARY_SETTINGS = ("min_count", "max_length", "tokenize")
"""Settings of prepare-captions that change captions or vocabulary even if the images are the same."""


def extended_captions(out: Path, images: Sequence[ImageRecord], settings: Mapping[str, Any]) -> list[str]:
    """Ids of the versions of the captions.h5 at ``out`` that one of these ``images`` and ``settings`` extends.

    It extends a version if it has all of its images with the same file names, splits and captions, and if the settings
    of the vocabulary are the same. The vocabulary itself may grow.
    """
    if not is_file(out):
        return []
    try:
        earlier = open_captions(out)
        extends = _has_settings(earlier, settings) and _is_contained(earlier, images)
    except ClcapError:
        return []
    return extended_ids(earlier.provenance) if extends else []


def _has_settings(earlier: Captions, settings: Mapping[str, Any]) -> bool:
    before = earlier.provenance.settings
    return all(before.get(name) == settings[name] for name in VOCABULARY_SETTINGS)


def _is_contained(earlier: Captions, images: Sequence[ImageRecord]) -> bool:
    new = {image.id: (image.file_name, image.split, list(image.captions)) for image in images}
    starts, raw = earlier.caption_starts, earlier.raw
    old = zip(earlier.image_ids, earlier.file_names, earlier.splits.tolist(), strict=True)
    return all(
        new.get(id) == (name, split, raw[starts[row] : starts[row + 1]]) for row, (id, name, split) in enumerate(old)
    )
