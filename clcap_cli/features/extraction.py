"""Extracting features of image files with a backbone; images are decoded on all cores."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from clcap_cli.compute.prefetch import Prefetcher
from clcap_cli.datasets.records import ImageId
from clcap_cli.features.backbone import Backbone
from clcap_cli.features.image_check import SkippedImages
from clcap_cli.features.image_files import ImageFile
from clcap_cli.features.images import UnreadableImageError, decode_as, read_content

BATCH_SIZE = 32


@dataclass(frozen=True)
class DecodedImage:
    """An image as a backbone's input."""

    pixels: Tensor
    """(3, size, size) uint8"""
    digest: bytes
    """Digest of the content of its file."""


def extract_batches(
    backbone: Backbone,
    images: Mapping[ImageId, ImageFile],
    skipped: SkippedImages,
    digests: dict[ImageId, bytes] | None = None,
) -> Iterator[tuple[list[ImageId], np.ndarray, np.ndarray]]:
    """Yield batches of (ids, pooled, grid) in the order of ``images``.

    Unreadable images are added to ``skipped``, and digests of the files' contents to ``digests``.

    Raises ClcapError for an unreadable image that is not to be left out, and if none is left.
    """
    ids = list(images)
    batches = [ids[first : first + BATCH_SIZE] for first in range(0, len(ids), BATCH_SIZE)]
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:

        def decode(batch: Sequence[ImageId]) -> list[DecodedImage | UnreadableImageError]:
            return list(threads.map(lambda id: _load_image(backbone, images[id]), batch))

        # On a CPU, decoding and computing alternate, because each of them uses all cores.
        decoded = map(decode, batches) if backbone.device.type == "cpu" else Prefetcher(decode, batches)
        done = 0
        for batch, decoded_batch in zip(batches, decoded, strict=True):
            readable = _readable(batch, decoded_batch, skipped, done)
            done += len(batch)
            if digests is not None:
                digests |= {id: image.digest for id, image in readable.items()}
            if readable:
                pooled, grid = backbone(torch.stack([image.pixels for image in readable.values()]))
                yield list(readable), pooled.numpy(), grid.numpy()
    skipped.raise_unless_usable()


def _load_image(backbone: Backbone, file: ImageFile) -> DecodedImage | UnreadableImageError:
    try:
        content = read_content(file)
        pixels = decode_as(backbone.transform, content, str(file), backbone.info.resized_to)
        return DecodedImage(pixels, hashlib.blake2b(content, digest_size=16).digest())
    except UnreadableImageError as error:
        return error


def _readable(
    batch: Sequence[ImageId],
    decoded: Sequence[DecodedImage | UnreadableImageError],
    skipped: SkippedImages,
    done: int,
) -> dict[ImageId, DecodedImage]:
    """The images of a batch that could be read; the others are added to ``skipped``."""
    readable = {}
    for number, (id, result) in enumerate(zip(batch, decoded, strict=True)):
        if isinstance(result, UnreadableImageError):
            skipped.add_late(id, result, done + number)
        else:
            readable[id] = result
    return readable
