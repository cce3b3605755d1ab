"""Extracting features of image files with a backbone; images are decoded on all cores."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.artifacts.feature_batch import FeatureBatch
from clcap_cli.artifacts.row_digests import image_digest
from clcap_cli.artifacts.shard import BATCH_SIZE
from clcap_cli.compute.prefetch import Prefetcher
from clcap_cli.datasets.records import ImageId
from clcap_cli.features.backbone import Backbone
from clcap_cli.features.image_check import SkippedImages
from clcap_cli.features.image_files import ImageFile
from clcap_cli.features.images import UnreadableImageError, decode_as, read_content


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
    batches: Sequence[Sequence[ImageId]] | None = None,
) -> Iterator[FeatureBatch]:
    """Yield the features of ``images``, in ``batches`` of their ids; by default, of all in order.

    Unreadable images are added to ``skipped``.

    Raises ClcapError for an unreadable image that is not to be left out.
    """
    batches = split_into_batches(list(images)) if batches is None else batches
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:

        def decode(batch: Sequence[ImageId]) -> list[DecodedImage | UnreadableImageError]:
            return list(threads.map(lambda id: load_image(backbone, images[id]), batch))

        # On a CPU, decoding and computing alternate, because each of them uses all cores.
        decoded = map(decode, batches) if backbone.device.type == "cpu" else Prefetcher(decode, batches)
        done = 0
        for batch, decoded_batch in zip(batches, decoded, strict=True):
            readable = _readable(batch, decoded_batch, skipped, done)
            done += len(batch)
            if readable:
                pooled, grid = backbone(torch.stack([image.pixels for image in readable.values()]))
                digests = [image.digest for image in readable.values()]
                yield FeatureBatch(list(readable), pooled.numpy(), grid.numpy(), digests)


def split_into_batches(ids: Sequence[ImageId]) -> list[Sequence[ImageId]]:
    """Split ``ids`` into batches of ``BATCH_SIZE``; the last may be smaller."""
    return [ids[first : first + BATCH_SIZE] for first in range(0, len(ids), BATCH_SIZE)]


def load_image(backbone: Backbone, file: ImageFile) -> DecodedImage | UnreadableImageError:
    """The image as an input of the backbone, or the reason why it cannot be read."""
    try:
        content = read_content(file)
        pixels = decode_as(backbone.transform, content, str(file), backbone.info.resized_to)
        return DecodedImage(pixels, image_digest(content))
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
