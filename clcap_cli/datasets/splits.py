"""Images and splits: each image belongs to one split, and images to learn from have captions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from clcap_cli.datasets.file_names import normal_path
from clcap_cli.datasets.records import ImageId, ImageRecord
from clcap_cli.errors import ClcapError

SPLITS_WITH_CAPTIONS = ("train", "val")
"""Splits whose images need captions; images of other splits may be without."""
NAMED_PICTURES = 3
"""Number of pictures that a warning names."""


def check_different_files(files: Iterable[tuple[str | None, Path]]) -> None:
    """Raise ClcapError if a file is given twice, also by another path or through a link."""
    given: dict[tuple[int, int], str] = {}
    for split, path in files:
        status, option = path.stat(), f"--{split} {path}"
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
                f"the {count:,} images of split '{split}' have no captions; give images without captions with --test"
            )
    return list(filter(_is_usable, images)), dict(left_out)


def _is_usable(image: ImageRecord) -> bool:
    return bool(image.captions) or image.split not in SPLITS_WITH_CAPTIONS


def pictures_in_two_splits(images: Iterable[ImageRecord]) -> str:
    """A warning about pictures that are in two splits under different ids; empty if there are none.

    Names that differ only in case are taken for one picture, as on Windows and macOS.
    """
    first: dict[str, ImageRecord] = {}
    repeated: dict[str, str] = {}
    for image in images:
        name = normal_path(image.file_name)
        other = first.setdefault(name.casefold(), image)
        if other.split != image.split:
            repeated[name] = f"{name} (id {other.id} in {other.split}, {image.id} in {image.split})"
    if not repeated:
        return ""
    shown = list(repeated.values())
    more = ", …" if len(shown) > NAMED_PICTURES else ""
    return (
        f"{len(shown):,} {'picture is' if len(shown) == 1 else 'pictures are'} in two splits under different ids: "
        f"{', '.join(shown[:NAMED_PICTURES])}{more}; models would be tested on pictures that they were trained on"
    )
