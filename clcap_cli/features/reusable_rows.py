"""Rows of an earlier ``features.h5`` that a new one takes over: those of the same pictures."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from clcap_cli.artifacts.feature_batch import FeatureRow
from clcap_cli.artifacts.features import Features
from clcap_cli.datasets.records import ImageId


class ReusableRows:
    """The intact rows of images whose files still have the same content."""

    def __init__(self, features: Features, images: Mapping[ImageId, bytes]):
        """``images`` has the digest of each image's file; ``features`` is of the backbone that computes the others."""
        self.features = features
        self.rows: dict[ImageId, int] = {}
        """Row of each reusable image in ``features``."""
        self.damaged: list[ImageId] = []
        """Images of ``features`` whose rows are not those that were written."""
        self.changed: list[ImageId] = []
        """Images that ``features`` has rows of, made from a file with other content."""
        for (id, digest), row in zip(images.items(), features.image_rows.find([*images]).tolist(), strict=True):
            self._add(id, digest, row)

    def _add(self, id: ImageId, digest: bytes, own: int) -> None:
        """Add an image of ``images``, whose id has the row ``own``, or -1."""
        if own >= 0 and self._image_digest(own) != digest:
            self.changed.append(id)
            own = -1
        row = self._row_of_image.get(digest) if own < 0 else own
        if row is None:
            return
        if self.features.is_intact(row):
            self.rows[id] = row
        else:
            self.damaged.append(self.features.ids[row])

    def read(self, id: ImageId) -> FeatureRow:
        """The features of a reusable image."""
        row = self.rows[id]
        return FeatureRow(
            np.array(self.features.pooled[row]), np.array(self.features.grid[row]), self._image_digest(row)
        )

    @cached_property
    def _row_of_image(self) -> dict[bytes, int]:
        return {self._image_digest(row): row for row in range(len(self.features.ids))}

    def _image_digest(self, row: int) -> bytes:
        assert self.features.image_digests is not None
        return self.features.image_digests[row].tobytes()
