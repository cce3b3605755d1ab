"""The images of a self-retrieval: those of the captions, and the distractors of another split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clcap_cli.datasets.records import ImageId
from clcap_cli.evaluation.ranked_captions import RankedCaptions
from clcap_cli.metrics.signature import images_signature
from clcap_cli.retrieval.pool import Pool


@dataclass(frozen=True)
class PoolImages:
    """N images, of which the first C are the captions' own and the others distractors."""

    rows: np.ndarray
    """(N,) rows in captions.h5."""
    ids: Sequence[ImageId]
    """(N,) ids."""
    own_rows: np.ndarray
    """(C,) rows in captions.h5 of the captions' own images."""
    distractors_split: str | None
    """The split of the distractors; None if there are none."""

    @property
    def own_ids(self) -> Sequence[ImageId]:
        """(C,) ids of the captions' own images."""
        return self.ids[: len(self.own_rows)]

    @property
    def num_distractors(self) -> int:
        """Number of images without a caption."""
        return len(self.rows) - len(self.own_rows)

    @property
    def distractors_signature(self) -> str:
        """The distractors as text for signatures; empty if there are none."""
        if self.distractors_split is None:
            return ""
        return images_signature(self.ids[len(self.own_rows) :], self.distractors_split)

    def __str__(self) -> str:
        """The number of images, and that of the distractors among them."""
        others = f", {self.num_distractors:,} of them distractors of split {self.distractors_split}"
        return f"{len(self.ids):,} images{others if self.distractors_split else ''}"


def draw_images(
    opened: RankedCaptions, pool: Pool, split: str, distractors: str | None, only_common: bool, seed: int
) -> PoolImages:
    """Draw as many images of ``split`` as ``pool`` says, and add all images of the split ``distractors``."""
    rows = opened.rows_of(split, only_common)
    others = opened.rows_of(distractors, only_common=False) if distractors else rows[:0]
    pool.check(len(rows) + len(others), [split, *([distractors] if distractors else [])])
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[: pool.num_drawn])
    all_rows = np.concatenate([drawn, others])
    return PoolImages(all_rows, opened.ranker.captions.ids_of(all_rows), drawn, distractors)
