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
from clcap_cli.features.image_check import SkippedImages, check_headers
from clcap_cli.features.image_files import ImageFile
from clcap_cli.features.images import UnreadableImageError, open_as

BATCH_SIZE = 32


def embed_in_batches(files: Sequence[ImageFile], model: ClipModel) -> np.ndarray:
    """(images, d) embeddings of unit length.

    The headers of all images are read first, because embedding takes minutes. Raises ClcapError that counts the images
    that cannot be read, and if an embedding is not finite.
    """
    headers = SkippedImages(len(files), skip_bad=True)
    check_headers(dict(enumerate(files)), headers)
    _check_readable(list(headers.reasons.values()), len(files))
    damaged: list[str] = []
    label = f"CLIP, batches of {BATCH_SIZE} images"
    batches = progress(_pixels(files, model, damaged), -(-len(files) // BATCH_SIZE), label)
    rows = [model.embed_pixels(pixels) for pixels in batches if len(pixels)]
    _check_readable(damaged, len(files))
    return unit_length(np.concatenate(rows), "CLIP")


def _check_readable(reasons: Sequence[str], total: int) -> None:
    """Raise ClcapError if there are ``reasons`` why images cannot be read."""
    if reasons:
        raise ClcapError(
            f"{len(reasons):,} of {total:,} images cannot be read, the first: {reasons[0]}; replace them, or leave out "
            "their captions"
        )


def _pixels(files: Sequence[ImageFile], model: ClipModel, damaged: list[str]) -> Iterator[Tensor]:
    """Inputs of the model (images, 3, size, size); why others cannot be read is added to ``damaged``."""
    batches = [files[first : first + BATCH_SIZE] for first in range(0, len(files), BATCH_SIZE)]
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:

        def load(batch: Sequence[ImageFile]) -> list[Tensor | UnreadableImageError]:
            return list(threads.map(lambda file: _load(file, model), batch))

        for loaded in Prefetcher(load, batches):
            damaged += [str(one) for one in loaded if isinstance(one, UnreadableImageError)]
            readable = [one for one in loaded if isinstance(one, Tensor)]
            yield torch.stack(readable) if readable else torch.empty(0)


def _load(file: ImageFile, model: ClipModel) -> Tensor | UnreadableImageError:
    try:
        return open_as(model.pixels_of, file)
    except UnreadableImageError as error:
        return error
