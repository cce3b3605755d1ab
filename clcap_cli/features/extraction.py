"""Extracting features of image files with a backbone; images are decoded on all cores."""

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
    """An image id and the path of its file."""

    id: ImageId
    path: Path


@dataclass
class SkippedImages:
    """Images that could not be read, with the reasons."""

    reasons: list[tuple[ImageId, str]] = field(default_factory=list)


def extract_batches(
    backbone: Backbone, images: Sequence[ImageFile], skipped: SkippedImages | None
) -> Iterator[tuple[list[ImageId], np.ndarray, np.ndarray]]:
    """Yield batches of (ids, pooled, grid) in the order of ``images``.

    Unreadable images are added to ``skipped``; if it is None, the first raises UnreadableImageError.
    """
    batches = [images[first : first + BATCH_SIZE] for first in range(0, len(images), BATCH_SIZE)]
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:

        def decode(batch: Sequence[ImageFile]) -> list[Tensor | UnreadableImageError]:
            return list(threads.map(lambda image: _load_image(backbone, image), batch))

        # On a CPU, decoding and computing alternate, because each of them uses all cores.
        decoded = map(decode, batches) if backbone.device.type == "cpu" else Prefetcher(decode, batches)
        for batch, decoded_batch in zip(batches, decoded, strict=True):
            ids, tensors = _separate_readable(batch, decoded_batch, skipped)
            if tensors:
                pooled, grid = backbone(torch.stack(tensors))
                yield ids, pooled.numpy(), grid.numpy()


def _load_image(backbone: Backbone, image: ImageFile) -> Tensor | UnreadableImageError:
    try:
        return backbone.transform(open_rgb(image.path, backbone.info.resized_to))
    except UnreadableImageError as error:
        return error


def _separate_readable(
    batch: Sequence[ImageFile], decoded: Sequence[Tensor | UnreadableImageError], skipped: SkippedImages | None
) -> tuple[list[ImageId], list[Tensor]]:
    ids, tensors = [], []
    for image, result in zip(batch, decoded, strict=True):
        if isinstance(result, Tensor):
            ids.append(image.id)
            tensors.append(result)
        elif skipped is None:
            raise result
        else:
            skipped.reasons.append((image.id, str(result)))
    return ids, tensors
