"""Features on their way into ``features.h5``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clcap_cli.artifacts.row_digests import row_digest
from clcap_cli.datasets.records import ImageId


class FeatureRow(NamedTuple):
    """The features of one image."""

    pooled: np.ndarray
    """(P,) float16"""
    grid: np.ndarray
    """(regions, G) float16"""
    image_digest: bytes
    """Digest of the content of the image file."""


@dataclass(frozen=True)
class FeatureBatch:
    """The features of several images."""

    ids: list[ImageId]
    pooled: np.ndarray
    """(images, P) float16"""
    grid: np.ndarray
    """(images, regions, G) float16"""
    image_digests: list[bytes]
    """Digests of the contents of the image files."""

    @classmethod
    def of(cls, rows: Mapping[ImageId, FeatureRow]) -> "FeatureBatch":
        """The batch of these rows."""
        pooled, grid, digests = zip(*rows.values(), strict=True)
        return cls(list(rows), np.stack(pooled), np.stack(grid), list(digests))

    def rows(self) -> dict[ImageId, FeatureRow]:
        """The features of each image."""
        values = map(FeatureRow, self.pooled, self.grid, self.image_digests)
        return dict(zip(self.ids, values, strict=True))

    def row_digests(self) -> list[bytes]:
        """Digests of the images' features."""
        return list(map(row_digest, self.pooled, self.grid))
