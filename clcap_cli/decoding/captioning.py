"""Captions for many images, a block at a time."""

from collections.abc import Callable, Iterable

import torch

from clcap_cli.artifacts.feature_reader import FeatureReader
from clcap_cli.decoding.beam import Decoded, beam_search
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import joined


@torch.inference_mode()
def decode(
    model: Captioner,
    features: FeatureReader,
    beam: int,
    watch: Callable[[Iterable, int], Iterable] = lambda blocks, total: blocks,
) -> Decoded:
    """The model's caption of every image of ``features``, in order.

    ``watch`` is given the blocks of work and their number, and passes them on.
    """
    blocks = features.blocks()
    found = [beam_search(model, model.encode(features.read(block)), beam) for block in watch(blocks, len(blocks))]
    return joined(found)
