"""References of images, of one split of their file."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.console import print_warning
from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.datasets.records import counted
from clcap_cli.datasets.split_names import DEFAULT_SPLIT
from clcap_cli.errors import ClcapError, suggestion

if TYPE_CHECKING:
    from clcap_cli.artifacts.captions import Captions
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.datasets.image_matching import NamesById
    from clcap_cli.datasets.records import CaptionFile, ImageId


@dataclass(frozen=True)
class References:
    """The references of images, and all images of the file that they come from."""

    captions: "Mapping[ImageId, Sequence[str]]"
    file_names: "NamesById"
    """File name of each image of the file, also of those in other splits."""
    splits: "Mapping[str, Collection[ImageId]]" = field(default_factory=dict)
    """Images of each split of the file; empty if it has no splits."""
    file: "CaptionFile | None" = None
    """What a file of another program contains; None for captions.h5."""


def read_references(
    path: Path, split: str | None, reading: ReadOptions, origin: "Origin", role: str = "references"
) -> References:
    """The references in a file; of a file with splits, those of one split, which is the default one if None.

    The file is recorded in ``origin`` with this ``role``. Raises ClcapError if it has splits but not the given one.
    """
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.datasets.captions_by_image import read_image_captions

    if path.suffix == ".h5":
        captions_h5 = open_captions(path)
        origin.add_input(role, captions_h5)
        return references_of_split(captions_h5, split or DEFAULT_SPLIT)
    references = read_image_captions(path, reading)
    origin.add_input_file(role, path)
    return _of_split(
        References(references.captions, references.file_names, file=references.file), references.file, split
    )


def _of_split(references: References, file: "CaptionFile", given: str | None) -> References:
    """The references of a split's images.

    All references if the file has no splits, or if no split is ``given`` and it lacks the default one. Raises
    ClcapError if it lacks the given one, and for an image in two splits.
    """
    from clcap_cli.datasets.caption_records import check_one_file_and_split

    splits: dict[str, set[ImageId]] = {}
    for record in file.records:
        if record.split is not None:
            splits.setdefault(record.split, set()).add(record.id)
    if not splits:
        if given:
            print_warning(f"{file.path} has no splits: all its references are used, not only those of '{given}'")
        return references
    split = given or DEFAULT_SPLIT
    check_one_file_and_split(file.records, file.path)
    captions = {id: texts for id, texts in references.captions.items() if id in splits.get(split, ())}
    if not captions:
        _report_missing_split(file.path, list(splits), given)
        return references
    numbers = counted(sum(map(len, captions.values())), "reference"), counted(len(captions), "image")
    file = replace(file, notes=[*file.notes, f"used: {numbers[0]} of {numbers[1]} of split '{split}'"])
    return References(captions, references.file_names, splits, file)


def _report_missing_split(path: Path, splits: Sequence[str], given: str | None) -> None:
    """Warn that a file lacks the default split and all its references are used; raises ClcapError for a given one."""
    if given:
        advice = suggestion(given, splits, f"its splits are {', '.join(splits)}")
        raise ClcapError(f"{path} has no references of split '{given}'; {advice}")
    print_warning(f"{path} has no references of split '{DEFAULT_SPLIT}'; those of {', '.join(splits)} are used")


def references_of_split(captions: "Captions", split: str) -> References:
    """The references of a split's images."""
    splits = {name: set(captions.ids_of(captions.rows_of(name))) for name in dict.fromkeys(captions.splits.tolist())}
    references = captions.references(captions.rows_of(split))
    if not references:
        raise ClcapError(
            f"the images of split '{split}' in {captions.path} have no captions to score against; give references of "
            "these images with --references, or another split with --split"
        )
    return References(references, file_names_of(captions), splits)


def file_names_of(captions: "Captions") -> "dict[ImageId, str]":
    """The file name of each image of captions.h5."""
    return dict(zip(captions.image_ids, captions.file_names, strict=True))
