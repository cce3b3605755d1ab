"""Running a backbone over image files, which are decoded on all cores."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from clcap_cli.compute.prefetch import Prefetcher
from clcap_cli.datasets.records import ImageId
from clcap_cli.features.backbone import Backbone
from clcap_cli.features.images import UnreadableImageError, open_rgb

BATCH_SIZE = 32


@dataclass(frozen=True)
class ImageFile:
    """An image to look at."""

    id: ImageId
    path: Path


@dataclass
class SkippedImages:
    """Images that were left out, with the reason."""

    reasons: list[tuple[ImageId, str]] = field(default_factory=list)


def extract_features(
    backbone: Backbone, images: Sequence[ImageFile], skipped: SkippedImages | None
) -> Iterator[tuple[list[ImageId], np.ndarray, np.ndarray]]:
    """Yield batches of (ids, pooled, grid) in the order of ``images``.

    An unreadable image is added to ``skipped``, or raised as UnreadableImageError where ``skipped`` is None.
    """
    batches = [images[first : first + BATCH_SIZE] for first in range(0, len(images), BATCH_SIZE)]
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:

        def decode(batch: Sequence[ImageFile]) -> list[Tensor | UnreadableImageError]:
            return list(threads.map(lambda image: _load_image(backbone, image), batch))

        # On a CPU decoding and computing take turns, because each of them keeps all cores busy.
        decoded = map(decode, batches) if backbone.device.type == "cpu" else Prefetcher(decode, batches)
        for batch, pictures in zip(batches, decoded, strict=True):
            ids, good = _separate_readable(batch, pictures, skipped)
            if good:
                pooled, grid = backbone(torch.stack(good))
                yield ids, pooled.numpy(), grid.numpy()


def _load_image(backbone: Backbone, image: ImageFile) -> Tensor | UnreadableImageError:
    try:
        return backbone.transform(open_rgb(image.path, backbone.info.resized_to))
    except UnreadableImageError as error:
        return error


def _separate_readable(
    batch: Sequence[ImageFile], pictures: Sequence[Tensor | UnreadableImageError], skipped: SkippedImages | None
) -> tuple[list[ImageId], list[Tensor]]:
    ids, good = [], []
    for image, picture in zip(batch, pictures, strict=True):
        if isinstance(picture, Tensor):
            ids.append(image.id)
            good.append(picture)
        elif skipped is None:
            raise picture
        else:
            skipped.reasons.append((image.id, str(picture)))
    return ids, good
