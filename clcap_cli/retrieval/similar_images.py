"""Images with similar features in a pool of any size, found block by block."""

import numpy as np
import torch
from torch import Tensor

from clcap_cli.features.source import FeatureSource
from clcap_cli.retrieval.best_images import BestImages


def similar_images(features: FeatureSource, count: int, num_images: int) -> Tensor:
    """Positions of the ``count`` images most similar to each of the first ``num_images``: (num_images, count) int64.

    They are those of ``nearest_images``, the most similar first, on the device of the features; NONE where there are
    fewer other images. The features are read in blocks: the memory does not depend on their number.
    """
    own = _directions(features, np.arange(num_images))
    best = BestImages.unknown(own[:, 0], count)
    for positions in features.blocks():
        is_read = positions[-1] < num_images
        first = int(positions[0])
        others = own[first : first + len(positions)] if is_read else _directions(features, positions)
        cosines = own @ others.T
        cosines.diagonal(-first).fill_(-torch.inf)  # an image and itself
        best = best.with_block(cosines, first)
    return best.image


def _directions(features: FeatureSource, positions: np.ndarray) -> Tensor:
    """(images, channels) float32: the pooled features of the images at ``positions``, with length 1."""
    pooled = torch.from_numpy(features.pooled_at(positions)).to(features.device).float()
    return torch.nn.functional.normalize(pooled)
