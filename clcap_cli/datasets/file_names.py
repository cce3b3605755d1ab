"""Matching the file names of images in one place with those in another.

Names are compared in several steps, each of which ignores more: the spelling (Unicode form, slashes), the folder, the
letter case, the suffix, and at last all but the number in the name of a COCO image.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from typing import Generic, TypeVar
from unicodedata import normalize

Left = TypeVar("Left", bound=Hashable)
Right = TypeVar("Right", bound=Hashable)
Key = Callable[[str], Hashable | None]
"""The part of a name that a step compares; None for names that the step does not match."""

MAX_FOLDERS = 16
"""Maximum number of folders of a name that are compared separately."""
_IMAGES = "jpe?g|jpe|jfif|png|bmp|dib|gif|tiff?|webp|avif|hei[cf]|jp2|jxl|p[bgnp]m"
_SUFFIX = re.compile(rf"\.({_IMAGES}|np[yz]|txt|json)\Z", re.IGNORECASE)
_IMAGE_SUFFIX = re.compile(rf"\.({_IMAGES})\Z", re.IGNORECASE)
_COCO_NAME = re.compile(r"(?:.*/)?(?:COCO_(?:train|val|test)20[0-9]{2}_)?([0-9]{12})", re.IGNORECASE)
_COCO_ID = re.compile(r"0|[1-9][0-9]{0,11}")


def normal_path(name: str) -> str:
    """The name in Unicode NFC with forward slashes, and without ``.`` and empty folders."""
    return posixpath.normpath(normalize("NFC", name.strip()).replace("\\", "/"))


def without_suffix(name: str) -> str:
    """The name without the suffix of an image, a text or an array, if it has one."""
    return _SUFFIX.sub("", name)


def is_image_name(name: str) -> bool:
    """Whether a name has the suffix of an image."""
    return bool(_IMAGE_SUFFIX.search(name))


def coco_number(name: str) -> int | None:
    """The id in the file name of a COCO image, such as ``COCO_test2014_000000000001.jpg``; None for other names.

    A bare number counts as an id.
    """
    stem = without_suffix(normal_path(name))
    found = _COCO_NAME.fullmatch(stem)
    if found:
        return int(found[1])
    return int(name) if _COCO_ID.fullmatch(name) else None


@dataclass
class NameMatching(Generic[Left, Right]):
    """Pairs of images on two sides that have the same file name; an image is in at most one pair."""

    left: Mapping[Left, str]
    """File name of each image on the left side."""
    right: Mapping[Right, str]
    """File name of each image on the right side."""
    pairs: dict[Left, Right] = field(default_factory=dict)
    """The right image of each matched left image."""
    _partners: dict[Right, Left] = field(init=False)
    _candidates: dict[Left, tuple[list[Left], list[Right]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._partners = {other: own for own, other in self.pairs.items()}

    @property
    def complete(self) -> bool:
        """Whether all images of one side are matched."""
        return len(self.pairs) in (len(self.left), len(self.right))

    @property
    def ways(self) -> Counter[str]:
        """Number of pairs by what was compared, such as "file name without folder"."""
        return Counter(describe_match(self.left[own], self.right[other]) for own, other in self.pairs.items())

    @property
    def ambiguous(self) -> dict[Left, tuple[list[Left], list[Right]]]:
        """For each unmatched left image with several candidates: the images of both sides that share its name."""
        return {own: both for own, both in self._candidates.items() if own not in self.pairs}

    def match(self, lefts: list[Left], rights: list[Right]) -> None:
        """Match the images that share a part of their names, if there is one on each side."""
        new_left = [one for one in lefts if one not in self.pairs]
        new_right = [one for one in rights if one not in self._partners]
        if not new_left or not new_right:
            return
        if len(lefts) == len(rights) == 1:
            if not self._is_in_other_folder(self.left[lefts[0]], self.right[rights[0]]):
                self.pairs[lefts[0]], self._partners[rights[0]] = rights[0], lefts[0]
        elif len(new_left) + len(new_right) > 2:
            for one in new_left:
                self._candidates.setdefault(one, (new_left, new_right))

    def _is_in_other_folder(self, left: str, right: str) -> bool:
        """Whether a name is in another folder although the other side has a folder like its own."""
        own, other = _different_folders(left, right)
        return own in self._right_folders or other in self._left_folders

    @cached_property
    def _left_folders(self) -> set[str]:
        return _folders(self.left.values())

    @cached_property
    def _right_folders(self) -> set[str]:
        return _folders(self.right.values())


def match_names(
    left: Mapping[Left, str], right: Mapping[Right, str], known: Mapping[Left, Right] | None = None
) -> NameMatching[Left, Right]:
    """Match the images of two sides by their file names, except the pairs that are ``known``.

    Equal names come first. The remaining images are matched by ever smaller parts of their names, and only by parts
    that no second image on either side has. ``train/1.jpg`` does not match ``test/1.jpg`` if both folders are on one
    side.
    """
    matching = NameMatching(left, right, {**(known or {})})
    for key in _keys(left.values(), right.values()):
        if matching.complete:
            break
        for lefts, rights in _groups(key, left, right):
            matching.match(lefts, rights)
    return matching


def is_same_name(left: str, right: str) -> bool:
    """Whether two names can be those of one image."""
    return left == right or bool(match_names({0: left}, {0: right}).pairs)


def describe_match(left: str, right: str) -> str:
    """What two matched names have in common, such as "file name without folder"."""
    paths = [normal_path(name) for name in (left, right)]
    if paths[0] == paths[1]:
        return "file name"
    folded = [path.casefold() for path in paths]
    stems = [without_suffix(posixpath.basename(path)) for path in folded]
    if stems[0] != stems[1]:
        return "number in COCO's file name"
    folders = {posixpath.dirname(path) for path in folded}
    suffixes = {path.removeprefix(without_suffix(path)) for path in folded}
    ignored = [part for part, values in (("folder", folders), ("suffix", suffixes)) if len(values) > 1]
    names = {without_suffix(posixpath.basename(path)) for path in paths}
    case = ", ignoring case" if len(names) > 1 or not ignored else ""
    return "file name" + (f" without {' and '.join(ignored)}" if ignored else "") + case


def _keys(left: Iterable[str], right: Iterable[str]) -> Iterator[Key]:
    """The parts of names to compare, from whole names to small parts."""
    normal = cache(normal_path)
    yield str
    yield normal
    depth = min(max((normal(name).count("/") for name in side), default=0) for side in (left, right))
    for change in (str, str.casefold, _folded_stem):
        parts_of = cache(partial(_parts, change, normal))
        for length in range(min(depth, MAX_FOLDERS) + 1, 0, -1):
            yield partial(_tail, parts_of, length)
    yield coco_number


def _folded_stem(path: str) -> str:
    return without_suffix(path).casefold()


def _parts(change: Callable[[str], str], normal: Callable[[str], str], name: str) -> list[str]:
    return change(normal(name)).split("/")


def _tail(parts_of: Callable[[str], list[str]], length: int, name: str) -> Hashable | None:
    """The last ``length`` parts of a path; None if it has fewer."""
    parts = parts_of(name)
    return tuple(parts[-length:]) if len(parts) >= length else None


def _different_folders(left: str, right: str) -> tuple[str | None, str | None]:
    """The innermost folders in which two names differ; None if one of the names is the end of the other."""
    own, other = (_folded_stem(normal_path(name)).split("/") for name in (left, right))
    if own[-1] != other[-1]:
        return None, None
    while own and other and own[-1] == other[-1]:
        own, other = own[:-1], other[:-1]
    return (own[-1], other[-1]) if own and other else (None, None)


def _folders(names: Iterable[str]) -> set[str]:
    """All folders in names, in lower case."""
    return {folder for name in names for folder in normal_path(name).casefold().split("/")[:-1]}


def _groups(key: Key, left: Mapping[Left, str], right: Mapping[Right, str]) -> Iterator[tuple[list[Left], list[Right]]]:
    """The images of both sides with the same value of ``key``."""
    groups: dict[Hashable, tuple[list[Left], list[Right]]] = {}
    for one, name in left.items():
        groups.setdefault(key(name), ([], []))[0].append(one)
    for other, name in right.items():
        if (found := groups.get(key(name))) is not None:
            found[1].append(other)
    groups.pop(None, None)
    return iter(groups.values())
