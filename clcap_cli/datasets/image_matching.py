"""Matching the images of two files: by id, and where ids do not match by file name."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from clcap_cli.datasets.file_names import describe_match, match_names
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError, first_few

NamesById = Mapping[ImageId, str | None]
"""The file name of each image; None where a file gives only the id, which may then be a file name itself."""


@dataclass(frozen=True)
class ImageMatching:
    """The images that two files have in common; no image is in two pairs."""

    pairs: dict[ImageId, ImageId]
    """The other file's id of each image that both have."""
    ways: dict[ImageId, str] = field(default_factory=dict)
    """What the images matched by, such as "id" or "file name without folder"."""

    def counts(self) -> Counter[str]:
        """Number of images by what they matched by."""
        return Counter(self.ways.values())


def match_images(left: NamesById, right: NamesById, names: tuple[str, str]) -> ImageMatching:
    """The images that two files have in common; ``names`` are what messages call the files.

    Raises ClcapError for a file name that stands for several images, and if ids and file names contradict each other.
    """
    by_id = {id: id for id in left if id in right}
    _check_same_names(by_id, left, right, names)
    ways = dict.fromkeys(by_id, "id")
    if len(by_id) in (len(left), len(right)):
        return ImageMatching(by_id, ways)
    known: dict[ImageId, ImageId] = {id: id for id in by_id if isinstance(id, str)}
    own, other = (_names(side, by_id) for side in (left, right))
    matching = match_names(own, other, known)
    for id, (lefts, rights) in matching.ambiguous.items():
        raise _ambiguous_error([own[one] for one in lefts], [other[one] for one in rights], own[id], names)
    found = {id: partner for id, partner in matching.pairs.items() if id not in by_id}
    return ImageMatching(
        by_id | found, ways | {id: describe_match(own[id], other[partner]) for id, partner in found.items()}
    )


def _names(images: NamesById, by_id: Mapping[ImageId, ImageId]) -> dict[ImageId, str]:
    """The names by which images can be matched: file names, and ids that may be file names.

    Where some images match by a number, numbers are not file names.
    """
    numbers_are_ids = any(isinstance(id, int) for id in by_id)
    named = {id: name for id, name in images.items() if isinstance(id, str) or id not in by_id}
    return {id: name or str(id) for id, name in named.items() if name or isinstance(id, str) or not numbers_are_ids}


def describe_ways(counts: Mapping[str, int]) -> str:
    """How many images matched by what, such as "40 images by file name without folder"."""
    first, *more = [f"{count:,} {'image' if count == 1 else 'images'} by {way}" for way, count in counts.items()]
    return ", ".join([first, *more])


def _check_same_names(
    by_id: Mapping[ImageId, ImageId], left: NamesById, right: NamesById, names: tuple[str, str]
) -> None:
    """Raise ClcapError if an image of one file has the id of another image of the other file."""
    named = [{id: side[id] or "" for id in by_id if left[id] and right[id]} for side in (left, right)]
    if named[0] == named[1]:
        return
    for id, partner in match_names(*named).pairs.items():
        if id != partner:
            raise ClcapError(
                f"image {id} is {left[id]} in {names[0]} and {right[id]} in {names[1]}; give both files the same ids, "
                "or remove the ids from one of them so that images match by file name"
            )


def _ambiguous_error(lefts: list[str], rights: list[str], name: str, names: tuple[str, str]) -> ClcapError:
    advice = "write more of their paths, or use ids"
    if len(rights) > 1:
        candidates = " or ".join(rights[:2])
        return ClcapError(f"the image {name} of {names[0]} could be {candidates} of {names[1]}; {advice}")
    return ClcapError(
        f"the images {first_few(lefts[:2])} of {names[0]} could both be {rights[0]} of {names[1]}; {advice}"
    )
