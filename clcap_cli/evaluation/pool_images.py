"""The images of a self-retrieval: those of the captions, and the distractors of another split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.ranked_captions import RankedCaptions
from clcap_cli.metrics.signature import images_signature
from clcap_cli.retrieval.estimate import draw_captions
from clcap_cli.retrieval.pool import Pool


@dataclass(frozen=True)
class PoolImages:
    """N images: the C that the captions belong to, then the others of their split, then the distractors."""

    rows: np.ndarray
    """(N,) rows in captions.h5."""
    ids: Sequence[ImageId]
    """(N,) ids."""
    own_rows: np.ndarray
    """(C,) rows in captions.h5 of the captions' own images."""
    num_in_split: int
    """Number of images of the captions' split; more than C if the captions are a sample."""
    distractors_split: str | None
    """The split of the distractors; None if there are none."""

    @property
    def own_ids(self) -> Sequence[ImageId]:
        """(C,) ids of the captions' own images."""
        return self.ids[: len(self.own_rows)]

    @property
    def num_distractors(self) -> int:
        """Number of images of another split than the captions'."""
        return len(self.rows) - self.num_in_split

    @property
    def sample_of(self) -> int | None:
        """Number of images that those of the captions are a sample of; None if they are all."""
        return self.num_in_split if len(self.own_rows) < self.num_in_split else None

    @property
    def distractors_signature(self) -> str:
        """The distractors as text for signatures; empty if there are none."""
        if self.distractors_split is None:
            return ""
        return images_signature(self.ids[self.num_in_split :], self.distractors_split)

    def __str__(self) -> str:
        """The number of images, and that of the distractors among them."""
        others = f", {self.num_distractors:,} of them distractors of split {self.distractors_split}"
        return f"{len(self.ids):,} images{others if self.distractors_split else ''}"


def draw_images(
    opened: RankedCaptions,
    pool: Pool,
    split: str,
    distractors: str | None,
    only_common: bool,
    estimate: int | None,
    seed: int,
) -> PoolImages:
    """Draw as many images of ``split`` as ``pool`` says, and add all images of the split ``distractors``.

    The captions are those of ``estimate`` of the drawn images, or of all of them. Raises ClcapError if there are not
    more images than that.
    """
    rows = opened.rows_of(split, only_common)
    others = opened.rows_of(distractors, only_common=False) if distractors else rows[:0]
    pool.check(len(rows) + len(others), [split, *([distractors] if distractors else [])])
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[: pool.num_drawn])
    own, rest = _sample(drawn, estimate, seed) if estimate else (drawn, drawn[:0])
    all_rows = np.concatenate([own, rest, others])
    return PoolImages(all_rows, opened.ranker.captions.ids_of(all_rows), own, len(drawn), distractors)


def _sample(rows: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """``count`` of the rows, drawn at random, and the others; both in ascending order."""
    if count >= len(rows):
        raise ClcapError(f"--estimate {count} is not less than the {len(rows)} captions; omit it for exact values")
    is_drawn = draw_captions(len(rows), count, seed)
    return rows[is_drawn], rows[~is_drawn]
