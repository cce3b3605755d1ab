"""Images and splits: each image belongs to one split, and images to learn from have captions."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from clcap_cli.datasets.file_names import normal_path
from clcap_cli.datasets.records import CaptionRecord, ImageId, ImageRecord, counted
from clcap_cli.errors import ClcapError
from clcap_cli.path_patterns import files_of, is_pattern

SPLITS_WITH_CAPTIONS = ("train", "val")
"""Splits whose images need captions; images of other splits may be without."""
NAMED_PICTURES = 3
"""Number of pictures that a warning names."""


def check_different_files(files: Iterable[tuple[str | None, Path]]) -> None:
    """Raise ClcapError if a file is given twice, also by another path or through a link."""
    given: dict[tuple[int, int], str] = {}
    for split, path in files:
        option = f"--{split} {path}"
        for status in [one.stat() for one in (files_of(path) if is_pattern(path) else [path])]:
            first = given.setdefault((status.st_dev, status.st_ino), option)
            if first is not option:
                raise ClcapError(f"{first} and {option} are the same file; give it once")


def check_ids(images: Iterable[tuple[Path, ImageRecord]]) -> None:
    """Raise ClcapError if two of the images, each with the file that lists it, have the same id."""
    seen: dict[ImageId, tuple[Path, ImageRecord]] = {}
    for path, image in images:
        first_path, first = seen.setdefault(image.id, (path, image))
        if first is not image:
            raise _same_id_error(first, first_path, image, path)


def _same_id_error(first: ImageRecord, first_path: Path, other: ImageRecord, path: Path) -> ClcapError:
    if normal_path(first.file_name) != normal_path(other.file_name):
        return ClcapError(
            f"the images {first.file_name} ({first_path}) and {other.file_name} ({path}) have the same id, {other.id}; "
            "give each image its own id"
        )
    if first.split == other.split:
        return ClcapError(f"image {other.id} is listed in {first_path} and in {path}; list it once")
    return ClcapError(
        f"image {other.id} is in two splits, {first.split} ({first_path}) and {other.split} ({path}); remove it from "
        "one of them"
    )


def with_needed_captions(images: Sequence[ImageRecord]) -> tuple[list[ImageRecord], dict[str, int]]:
    """The images without those that lack captions in a split that needs them, and the number of these by split.

    Raises ClcapError if such a split has no captions at all.
    """
    left_out = Counter(image.split for image in images if not _is_usable(image))
    for split, count in left_out.items():
        if count == sum(image.split == split for image in images):
            raise ClcapError(
                f"the split '{split}' has no captions ({counted(count, 'image')}); give images without captions with "
                "--test"
            )
    return list(filter(_is_usable, images)), dict(left_out)


def _is_usable(image: ImageRecord) -> bool:
    return bool(image.captions) or image.split not in SPLITS_WITH_CAPTIONS


def images_in_two_splits(records: Iterable[CaptionRecord]) -> list[str]:
    """A warning about ids that are in two splits; empty if there are none."""
    first: dict[ImageId, CaptionRecord] = {}
    found: dict[ImageId, str] = {}
    for record in records:
        other = first.setdefault(record.id, record)
        if other.split != record.split:
            found[record.id] = f"{record.id} ({other.split} in {other.location}, {record.split} in {record.location})"
    if not found:
        return []
    verb = "is" if len(found) == 1 else "are"
    return [
        f"{counted(len(found), 'image')} {verb} in two splits: {_few(found.values())}; list each image in one split"
    ]


def repeated_pictures(images: Iterable[ImageRecord] | Iterable[CaptionRecord]) -> list[str]:
    """Warnings about pictures that are listed under two ids, in two splits or in the same one.

    Names that differ only in case are taken for one picture, as on Windows and macOS.
    """
    first: dict[str, ImageRecord | CaptionRecord] = {}
    across: dict[str, str] = {}
    within: dict[str, str] = {}
    for image in images:
        if image.file_name is None:
            continue
        name = normal_path(image.file_name)
        other = first.setdefault(name.casefold(), image)
        if other.id == image.id:
            continue
        if other.split == image.split:
            within[name] = f"{name} (ids {other.id} and {image.id})"
        else:
            across[name] = f"{name} (id {other.id} in {other.split}, {image.id} in {image.split})"
    return [
        *_listed_twice(
            across, "in two splits under different ids", "models would be tested on pictures that they were trained on"
        ),
        *_listed_twice(within, "listed under two ids", "give each picture one id"),
    ]


def _listed_twice(pictures: Mapping[str, str], how: str, consequence: str) -> list[str]:
    if not pictures:
        return []
    verb = "is" if len(pictures) == 1 else "are"
    return [f"{counted(len(pictures), 'picture')} {verb} {how}: {_few(pictures.values())}; {consequence}"]


def _few(descriptions: Collection[str]) -> str:
    more = ", …" if len(descriptions) > NAMED_PICTURES else ""
    return ", ".join(list(descriptions)[:NAMED_PICTURES]) + more
