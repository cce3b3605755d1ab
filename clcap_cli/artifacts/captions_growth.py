"""Whether a new ``captions.h5`` contains everything of the earlier one that it replaces."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from clcap_cli.artifacts.captions import Captions, open_captions
from clcap_cli.artifacts.provenance import extended_ids
from clcap_cli.console import print_info
from clcap_cli.datasets.records import ImageRecord
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import is_file

VOCABULARY_SETTINGS = ("min_count", "max_length", "tokenize")
"""Settings of prepare-captions that change captions or vocabulary even if the images are the same."""


def extended_captions(out: Path, images: Sequence[ImageRecord], settings: Mapping[str, Any]) -> list[str]:
    """Ids of the versions of the captions.h5 at ``out`` that one of these ``images`` and ``settings`` extends.

    It extends a version if it has all of its images with the same file names, splits and captions, and if the settings
    of the vocabulary are the same. The vocabulary itself may grow. Prints what differs otherwise.
    """
    if not is_file(out):
        return []
    try:
        earlier = open_captions(out)
        differences = [*_different_settings(earlier, settings), *_different_images(earlier, images)]
    except ClcapError:
        return []
    if not differences:
        return extended_ids(earlier.provenance)
    print_info(
        f"the new {out} is not an extension of the earlier one: {', '.join(differences)}; models made from the earlier "
        "one will not accept it"
    )
    return []


def _different_settings(earlier: Captions, settings: Mapping[str, Any]) -> Iterator[str]:
    """The settings of the vocabulary that differ, as options."""
    before = earlier.provenance.settings
    for name in VOCABULARY_SETTINGS:
        if before.get(name) != settings[name]:
            yield f"--{name.replace('_', '-')} {settings[name]}, before {before.get(name)}"


def _different_images(earlier: Captions, images: Sequence[ImageRecord]) -> Iterator[str]:
    """The numbers of the earlier images that are missing or have another file name, split or captions, in words."""
    new = {image.id: image for image in images}
    counts = Counter(what for one in _records(earlier) for what in _differences(one, new.get(one.id)))
    for what, count in counts.items():
        yield f"{count:,} of its {len(earlier.image_ids):,} images {what}"


def _records(earlier: Captions) -> Iterator[ImageRecord]:
    starts, raw = earlier.caption_starts, earlier.raw
    old = zip(earlier.image_ids, earlier.file_names, earlier.splits.tolist(), strict=True)
    for row, (id, name, split) in enumerate(old):
        yield ImageRecord(id, name, split, raw[starts[row] : starts[row + 1]])


def _differences(old: ImageRecord, new: ImageRecord | None) -> Iterator[str]:
    if new is None:
        yield "left out"
        return
    if new.file_name != old.file_name:
        yield "with another file name"
    if new.split != old.split:
        yield "in another split"
    if list(new.captions) != old.captions:
        yield "with other captions"
