"""Embedding image files in batches, with progress; they are decoded on all cores while the model computes."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from clcap_cli.compute.prefetch import Prefetcher
from clcap_cli.console import progress
from clcap_cli.encoders.clip_model import ClipModel
from clcap_cli.encoders.texts import unit_length
from clcap_cli.errors import ClcapError
from clcap_cli.features.image_files import ImageFile
from clcap_cli.features.images import UnreadableImageError, open_rgb

BATCH_SIZE = 32


def embed_in_batches(files: Sequence[ImageFile], model: ClipModel) -> np.ndarray:
    """(images, d) embeddings of unit length.

    Raises ClcapError that counts the images that cannot be read, and if an embedding is not finite.
    """
    unreadable: list[UnreadableImageError] = []
    label = f"CLIP, batches of {BATCH_SIZE} images"
    batches = progress(_pixels(files, model, unreadable), -(-len(files) // BATCH_SIZE), label)
    rows = [model.embed_pixels(pixels) for pixels in batches if len(pixels)]
    if unreadable:
        raise ClcapError(
            f"{len(unreadable):,} of {len(files):,} images cannot be read, the first: {unreadable[0]}; replace them, "
            "or leave out their captions"
        )
    return unit_length(np.concatenate(rows), "CLIP")


def _pixels(files: Sequence[ImageFile], model: ClipModel, unreadable: list[UnreadableImageError]) -> Iterator[Tensor]:
    """Inputs of the model (images, 3, size, size); images that cannot be read are added to ``unreadable``."""
    batches = [files[first : first + BATCH_SIZE] for first in range(0, len(files), BATCH_SIZE)]
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:

        def load(batch: Sequence[ImageFile]) -> list[Tensor | UnreadableImageError]:
            return list(threads.map(lambda file: _load(file, model), batch))

        for loaded in Prefetcher(load, batches):
            unreadable += [one for one in loaded if isinstance(one, UnreadableImageError)]
            readable = [one for one in loaded if isinstance(one, Tensor)]
            yield torch.stack(readable) if readable else torch.empty(0)


def _load(file: ImageFile, model: ClipModel) -> Tensor | UnreadableImageError:
    try:
        return model.pixels_of(open_rgb(file))
    except UnreadableImageError as error:
        return error
