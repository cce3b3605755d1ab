"""Random views of pictures for training: a part of each picture, drawn anew in every epoch.

A view is a part of 70 to 100% of the area with nearly the picture's own shape. Pictures are not mirrored, because
captions say left and right. The part depends on the seed, the epoch and the picture alone, so models with different
preprocessing see the same part, and a resumed run sees what an uninterrupted one sees.
"""

from functools import lru_cache

import numpy as np
from PIL import Image

from clcap_cli.compute.random_streams import random_generator

SMALLEST_AREA = 0.7
"""Smallest area of a view as a share of the picture's."""
LARGEST_STRETCH = 1.1
"""Largest factor by which the ratio of a view's sides differs from that of the picture's."""


@lru_cache(maxsize=2)
def boxes_of_views(seed: int, epoch: int, pictures: int) -> np.ndarray:
    """The views of all pictures in an epoch, (pictures, 4): left, top, right and bottom as shares of the sides."""
    area, stretch, x, y = random_generator(seed, "augmentation", epoch).random((4, pictures))
    area = SMALLEST_AREA + (1 - SMALLEST_AREA) * area
    stretch = LARGEST_STRETCH ** (2 * stretch - 1)
    width, height = np.minimum(np.sqrt(area * stretch), 1), np.minimum(np.sqrt(area / stretch), 1)
    left, top = x * (1 - width), y * (1 - height)
    return np.stack([left, top, left + width, top + height], axis=1)


def cropped(image: Image.Image, box: np.ndarray) -> Image.Image:
    """The part of a picture within ``box`` (4,), given as in ``boxes_of_views``; at least one pixel."""
    left, top = np.floor(box[:2] * image.size).astype(int)
    right, bottom = np.ceil(box[2:] * image.size).astype(int)
    return image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
