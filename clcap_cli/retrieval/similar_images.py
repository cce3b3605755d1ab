"""Images with similar features in a pool of any size, found block by block."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from clcap_cli.compute.collectives import computed_together
from clcap_cli.features.source import FeatureSource
from clcap_cli.retrieval.best_images import BestImages


def similar_images(features: FeatureSource, count: int, num_images: int) -> Tensor:
    """Positions of the ``count`` images most similar to each of the first ``num_images``: (num_images, count) int64.

    They are those of ``nearest_images``, the most similar first, on the device of the features; NONE where there are
    fewer other images. The features are read in blocks: the memory does not depend on their number. Several processes
    share the first ``num_images``.
    """
    (found,) = computed_together(range(num_images), lambda own: [_similar_to(features, own, count)])
    return found


def _similar_to(features: FeatureSource, images: Sequence[int], count: int) -> Tensor:
    """Positions of the ``count`` images most similar to each of ``images``, which are neighbours."""
    start, stop = images[0], images[-1] + 1
    own = _directions(features, np.arange(start, stop))
    best = BestImages.unknown(own[:, 0], count)
    for positions in features.blocks():
        first, end = int(positions[0]), int(positions[-1]) + 1
        is_read = start <= first and end <= stop
        others = own[first - start : end - start] if is_read else _directions(features, positions)
        cosines = own @ others.T
        cosines.diagonal(start - first).fill_(-torch.inf)  # an image and itself
        best = best.with_block(cosines, first)
    return best.image


def _directions(features: FeatureSource, positions: np.ndarray) -> Tensor:
    """(images, channels) float32: the pooled features of the images at ``positions``, with length 1."""
    pooled = torch.from_numpy(features.pooled_at(positions)).to(features.device).float()
    return torch.nn.functional.normalize(pooled)
