"""The boxes of region features of other programs, as far as their files have them in a known form."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import numpy as np

BOX_NAMES = ("bbox", "boxes")
"""Names of the array with the boxes in an .npz file, in pixels; image_w and image_h have the size of the image."""


def boxes_of_line(fields: Mapping[str, str], regions: int) -> np.ndarray | None:
    """The boxes of a line of a table of bottom-up attention; see ``relative_boxes``."""
    try:
        content = base64.b64decode(fields["boxes"], validate=True)
        size = float(fields["image_w"]), float(fields["image_h"])
        return relative_boxes(np.frombuffer(content, np.float32).reshape(-1, 4), size, regions)
    except (ValueError, binascii.Error):
        return None


def boxes_of_archive(arrays: Any, regions: int) -> np.ndarray | None:
    """The boxes of the arrays of an .npz file; see ``relative_boxes``."""
    name = next((name for name in BOX_NAMES if name in arrays.files), None)
    if name is None or not {"image_w", "image_h"} <= set(arrays.files):
        return None
    try:
        size = float(arrays["image_w"]), float(arrays["image_h"])
        return relative_boxes(np.asarray(arrays[name]), size, regions)
    except (TypeError, ValueError):
        return None


def relative_boxes(boxes: np.ndarray, size: tuple[float, float], regions: int) -> np.ndarray | None:
    """Boxes in pixels (regions, 4), left, top, right and bottom, as shares of the image's width and height, float32.

    None if they have another shape or if a box has no area within the image.
    """
    if boxes.shape != (regions, 4) or boxes.dtype.kind not in "fiu" or not all(0 < side < np.inf for side in size):
        return None
    shares = np.clip(boxes.astype(np.float64) / np.tile(size, 2), 0, 1).astype(np.float32)
    return shares if (shares[:, 2:] > shares[:, :2]).all() else None  # also None for NaN
