"""A pool of mismatched captions for each image, from which the negatives of every epoch are drawn."""

from collections.abc import Sequence

import numpy as np

from clcap_cli.console import print_info
from clcap_cli.errors import ClcapError
from clcap_cli.training.negatives import MismatchedBatch, NegativeSampler


class NegativePool:
    """M different mismatched captions for each image, drawn once; K of them are the negatives of a caption."""

    def __init__(self, sampler: NegativeSampler, size: int, rng: np.random.Generator):
        """Draw the M = ``size`` captions of each image.

        Raises ClcapError if an image has fewer mismatched captions. If its similar images have too few, the others are
        drawn from all images.
        """
        self.sampler, self.split, self.size = sampler, sampler.split, size
        self.num_mismatched = sampler.num_mismatched()
        self._check_size()
        self.num_completed = 0
        """Number of images whose similar images have too few captions."""
        self.captions = np.empty((size, len(self.split)), dtype=np.int32)
        """(M, images) caption indices."""
        for image in range(len(self.split)):
            self.captions[:, image] = self._draw(image, rng)

    def mismatched(self, batches: Sequence[np.ndarray], k: int, rng: np.random.Generator) -> list[MismatchedBatch]:
        """Batches with K different captions of an image's pool for each caption of the images of ``batches``."""
        return [self._batch(positions, k, rng) for positions in batches]

    def report(self) -> None:
        """Print the size of the pools, and how many of them are not only of similar images as requested."""
        images = len(self.split)
        print_info(
            f"negative pool: {self.size:,} mismatched captions for each of {images:,} training images; the reference "
            f"scores these {self.captions.size:,} pairs once, before the first step, unless they are cached"
        )
        if self.num_completed:
            print_info(
                f"negative pool: the similar images of {self.num_completed:,} of {images:,} images have too few "
                "captions; the rest of these images' pools is drawn from all captions"
            )

    def _check_size(self) -> None:
        image = int(self.num_mismatched.argmin())
        most = int(self.num_mismatched[image])
        if self.size > most:
            raise ClcapError(
                f"--reference-pool {self.size} is more than the {most} captions of split '{self.split.name}' that "
                f"differ from those of image {self.split.ids[image]}; give at most {most}, or leave it out"
            )

    def _draw(self, image: int, rng: np.random.Generator) -> np.ndarray:
        """Draw the pool of an image without repetition, (M,) caption indices."""
        num_captions = len(self.split.caption_rows)
        wanted = rng.binomial(self.size, self.sampler.nearest_share)
        candidates = rng.permutation(self.sampler.similar_captions(image))
        similar = candidates[~self.sampler.describes(candidates, image)][:wanted]
        self.num_completed += len(similar) < wanted
        enough = min(num_captions, self.size + num_captions - int(self.num_mismatched[image]))
        candidates = rng.choice(num_captions, enough, replace=False)
        others = candidates[~(self.sampler.describes(candidates, image) | np.isin(candidates, similar))]
        return np.concatenate([similar, others])[: self.size]

    def _batch(self, positions: np.ndarray, k: int, rng: np.random.Generator) -> MismatchedBatch:
        image = self.split.image_of_caption[self.split.captions_of_images(positions)[0]]
        rows = rng.random((self.size, len(image))).argsort(axis=0)[:k]
        return MismatchedBatch(positions, self.captions[rows, image], rows)
