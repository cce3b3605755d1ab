"""The attention of captions in the page: for each word its map over the picture and the weight of the sentinel."""

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from clcap_cli.artifacts.attention import Attention, CaptionAttention
from clcap_cli.artifacts.feature_info import BackboneInfo, FeatureInfo
from clcap_cli.evaluation.runs import Run
from clcap_cli.reporting.page.data import image_ids

BUDGET = 12 * 2**20
"""Largest number of bytes that all maps of a page have; images further down are shown without maps."""


def attention_record(runs: Sequence[Run], attention: Mapping[str, Attention], budget: int = BUDGET) -> dict[str, Any]:
    """The attention of the runs for the page's script, which is safe inside a script element as JSON.

    ``runs`` has an object for each run, or null: ``grid``, the rows and columns of the regions and the side of the
    square that they cover, as a share of the picture's shorter side, or null for regions that are no grid; ``placed``,
    whether the places of the regions are known; and ``captions``, for each image null or the ends of the tokens in
    UTF-16 units and, as uint8 in base64, the sentinel weights, the maps and the boxes of the regions (empty if unknown
    or beyond the budget). A map is relative to its largest weight, and boxes are shares of the picture's width and
    height. ``images`` is the number of images whose maps are within the budget.
    """
    ids = image_ids(runs)
    shown = [_Shown(run, attention[run.name]) if run.name in attention else None for run in runs]
    kept = _images_within(budget, [[one.map_bytes(id) if one else 0 for one in shown] for id in ids])
    return {
        "images": kept,
        "runs": [
            one
            and {
                "grid": one.grid,
                "placed": one.is_placed,
                "captions": [one.record(id, place < kept) for place, id in enumerate(ids)],
            }
            for one in shown
        ],
    }


def _images_within(budget: int, sizes: Sequence[Sequence[int]]) -> int:
    """The number of images, from the first, whose maps together have at most ``budget`` bytes."""
    totals = np.cumsum([sum(own) for own in sizes])
    return int((totals <= budget).sum())


class _Shown:
    """The attention of one run."""

    def __init__(self, run: Run, attention: Attention):
        self.run, self.attention = run, attention
        self.grid = grid_of(attention.features)

    def map_bytes(self, id: Any) -> int:
        """Size of the maps of an image's caption in base64."""
        found = self._caption(id)
        if found is None or not self.is_placed:
            return 0
        return _base64_size(found.weights.size) + _base64_size(self._boxes(id).size)

    def record(self, id: Any, with_maps: bool) -> list[Any] | None:
        """The attention of an image's caption for the page; None if it is unknown."""
        found = self._caption(id)
        if found is None:
            return None
        sentinel = "" if found.sentinel is None else _base64(found.sentinel.astype(np.float32))
        with_maps = with_maps and self.is_placed
        maps = [_base64(_relative(found.weights)), _base64(self._boxes(id))] if with_maps else ["", ""]
        return [_utf16_ends(found), sentinel, *maps]

    @property
    def is_placed(self) -> bool:
        """Whether it is known where the regions are in the picture."""
        return self.grid is not None or bool(self.attention.boxes)

    def _boxes(self, id: Any) -> np.ndarray:
        return self.attention.boxes.get(id, np.empty((0, 4)))

    def _caption(self, id: Any) -> CaptionAttention | None:
        image = self.run.images.get(id)
        own = self.attention.captions.get(id, [])
        return next((one for one in own if image and one.caption == image.caption), None)


def grid_of(features: FeatureInfo) -> list[float] | None:
    """Rows and columns of the regions, and the side of the square that they cover as a share of the shorter side.

    None for regions that are not a square grid, or whose place in the image is unknown.
    """
    side = math.isqrt(features.regions)
    if not isinstance(features, BackboneInfo) or side**2 != features.regions or features.resized_to is None:
        return None
    return [side, side, min(1.0, features.image_size / features.resized_to)]


def _relative(weights: np.ndarray) -> np.ndarray:
    """Weights (T, R) relative to the largest of each token."""
    numbers = weights.astype(np.float32)
    return numbers / np.maximum(numbers.max(1, keepdims=True, initial=0), np.finfo(np.float32).tiny)


def _base64_size(numbers: int) -> int:
    return -(-numbers // 3) * 4


def _base64(shares: np.ndarray) -> str:
    return base64.b64encode(np.rint(255 * shares).astype(np.uint8).tobytes()).decode()


def _utf16_ends(found: CaptionAttention) -> list[int]:
    return [len(found.caption[:end].encode("utf-16-le", "surrogatepass")) // 2 for end in found.ends.tolist()]
