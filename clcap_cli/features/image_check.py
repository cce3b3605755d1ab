"""Checking the headers of all images before the work starts, and recording the images that are left out."""

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from clcap_cli.console import print_info, print_warning, progress
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError
from clcap_cli.features.image_files import ImageFile, is_remote
from clcap_cli.features.images import UnreadableImageError, has_several_frames

NAMED_IMAGES = 3
"""Number of unreadable images that an error names."""
HINT = "leave such images out with --skip-bad"


@dataclass
class SkippedImages:
    """Images that cannot be read, with the reasons."""

    total: int
    """Number of all images."""
    skip_bad: bool
    """Whether these images are left out; otherwise they are an error."""
    reasons: dict[ImageId, str] = field(default_factory=dict)

    def raise_unless_usable(self) -> None:
        """Raise ClcapError if an image is not to be left out, or if no image remains."""
        reasons = list(self.reasons.values())
        if not reasons or (self.skip_bad and len(reasons) < self.total):
            return
        if self.total == 1:
            raise ClcapError(reasons[0])
        named = "; ".join(reasons[:NAMED_IMAGES]) + ("; …" if len(reasons) > NAMED_IMAGES else "")
        if len(reasons) == self.total:
            raise ClcapError(f"none of the {self.total:,} images can be read: {named}; check --images")
        raise ClcapError(f"{len(reasons):,} of {self.total:,} images cannot be read: {named}; {HINT}")

    def add_late(self, id: ImageId, error: UnreadableImageError, done: int) -> None:
        """Record an image that was found while the work runs; raises ClcapError if it is not to be left out."""
        if not self.skip_bad:
            advice = f" (after {done:,} of {self.total:,} images); {HINT}" if self.total > 1 else ""
            raise ClcapError(f"{error}{advice}") from error
        self.reasons[id] = str(error)

    def of_all_processes(self) -> "SkippedImages":
        """The images that this and all other processes leave out."""
        from clcap_cli.compute.collectives import from_all

        others = from_all([self.total, list(self.reasons.items())])
        reasons = {id: reason for _, pairs in others for id, reason in pairs}
        return SkippedImages(sum(total for total, _ in others), self.skip_bad, reasons)

    def report(self, consequence: str) -> None:
        """List the images that were left out, with what follows from it; raises ClcapError if that is all of them."""
        self.raise_unless_usable()
        if self.reasons:
            print_warning(f"{len(self.reasons):,} of {self.total:,} images left out; {consequence}:")
            for id, reason in self.reasons.items():
                print_info(f"  {reason}" if isinstance(id, str) and id in reason else f"  {id}: {reason}")


def check_headers(
    images: Mapping[ImageId, ImageFile], skipped: SkippedImages, check_remote: bool = True
) -> dict[ImageId, ImageFile]:
    """The images whose header can be read, with those in object stores that are not checked, in their order.

    The others are added to ``skipped``. Images with several frames are counted in a message, because only their first
    frame is used.
    """
    readable, several = {}, 0
    check = _check if check_remote else _check_on_disk
    for (id, file), result in zip(images.items(), _check_all(images.values(), len(images), check), strict=True):
        if isinstance(result, UnreadableImageError):
            skipped.reasons[id] = str(result)
        else:
            readable[id] = file
            several += result
    if several:
        print_info(f"{several:,} animated or multi-page images: the first frame is used")
    return readable


def _check_all(
    files: Iterable[ImageFile], total: int, check: Callable[[ImageFile], bool | UnreadableImageError]
) -> Iterable[bool | UnreadableImageError]:
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        yield from progress(threads.map(check, files), total, "checking images")


def _check(file: ImageFile) -> bool | UnreadableImageError:
    try:
        return has_several_frames(file)
    except UnreadableImageError as error:
        return error


def _check_on_disk(file: ImageFile) -> bool | UnreadableImageError:
    return False if is_remote(file) else _check(file)
