"""What extract-features has to do: rows are kept from a stopped run, reused from an earlier file, or computed.

The features of an image can depend on the images of its batch in their last digits. Batches therefore do not depend on
where a run was stopped: a resumed run gives the same file as one that was never stopped.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch

from clcap_cli.artifacts.feature_batch import FeatureBatch, FeatureRow
from clcap_cli.artifacts.partial_features import PartialFeatures
from clcap_cli.artifacts.row_digests import image_digest
from clcap_cli.console import progress
from clcap_cli.datasets.records import ImageId
from clcap_cli.features.backbone import Backbone
from clcap_cli.features.extraction import extract_batches, load_image, split_into_batches
from clcap_cli.features.image_check import SkippedImages
from clcap_cli.features.image_files import ImageFile
from clcap_cli.features.images import UnreadableImageError, read_content
from clcap_cli.features.reusable_rows import ReusableRows


def digest_images(images: Mapping[ImageId, ImageFile]) -> dict[ImageId, bytes]:
    """Digests of the contents of the image files that can be read."""
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        digests = threads.map(_digest, images.values())
        found = zip(images, progress(digests, len(images), "reading images"), strict=True)
        return {id: digest for id, digest in found if digest is not None}


def _digest(file: ImageFile) -> bytes | None:
    try:
        return image_digest(read_content(file))
    except UnreadableImageError:
        return None


@dataclass(frozen=True)
class FeaturePlan:
    """The images of a features file and where their features come from."""

    backbone: Backbone
    images: Mapping[ImageId, ImageFile]
    skipped: SkippedImages
    reusable: ReusableRows | None
    """Rows of an earlier file; None if there is none."""

    @property
    def batches(self) -> list[Sequence[ImageId]]:
        """The ids of all images, in the batches in which their rows are written."""
        return split_into_batches(list(self.images))

    def keep_rows(self, partial: PartialFeatures, digests: Mapping[ImageId, bytes]) -> int:
        """Keep the rows that ``partial`` has of these images; returns the number of complete batches.

        From the first batch on in which a row is missing or damaged, or an image file has changed, none is kept.
        """
        for number, batch in enumerate(self.batches):
            expected = list(self._with_rows(batch, digests, partial.next_image_digests(len(batch))))
            others = [id for id in batch if id not in expected]
            if not self._all_unreadable(others) or not partial.keep(expected):
                return number
        return len(self.batches)

    def _with_rows(
        self, batch: Sequence[ImageId], digests: Mapping[ImageId, bytes], stored: Iterable[bytes]
    ) -> Iterator[ImageId]:
        """The images of a batch that have the next rows, by the digests ``stored`` with the rows."""
        remaining = iter(stored)
        next_row = next(remaining, None)
        for id in batch:
            if next_row is not None and digests.get(id) == next_row:
                yield id
                next_row = next(remaining, None)

    def _all_unreadable(self, ids: Sequence[ImageId]) -> bool:
        """Whether none of these images can be read; they are then added to ``skipped``."""
        errors = {}
        for id in ids:
            result = load_image(self.backbone, self.images[id])
            if not isinstance(result, UnreadableImageError):
                return False
            errors[id] = result
        for id, error in errors.items():
            self.skipped.add_late(id, error, list(self.images).index(id))
        return True

    def remaining(self, kept: int) -> Iterator[FeatureBatch]:
        """Yield the features of all batches after the first ``kept``; raises ClcapError if no image can be read."""
        reused = self.reusable.rows if self.reusable else {}
        new = split_into_batches([id for id in self.images if id not in reused])
        needed = {id for batch in self.batches[kept:] for id in batch}
        todo = [batch for batch in new if needed.intersection(batch)]
        computed = extract_batches(self.backbone, self.images, self.skipped, todo)
        rows: dict[ImageId, FeatureRow] = {}
        for batch in self.batches[kept:]:
            for id in batch:
                if id in reused:
                    assert self.reusable is not None
                    rows[id] = self.reusable.read(id)
                while id not in rows and id not in self.skipped.reasons:
                    # Without a batch, the last images are unreadable, and now in skipped.reasons.
                    rows |= new_batch.rows() if (new_batch := next(computed, None)) else {}
            if readable := {id: rows.pop(id) for id in batch if id in rows}:
                yield FeatureBatch.of(readable)
        self.skipped.raise_unless_usable()
