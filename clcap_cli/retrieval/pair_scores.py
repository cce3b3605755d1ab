"""ln p of captions with a few images each, without a search."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from clcap_cli.compute.collectives import computed_together, gathered
from clcap_cli.compute.processes import processes
from clcap_cli.features.source import BLOCK_SIZE, FeatureSource, split_into_blocks
from clcap_cli.models.captioner import Captioner


def matched_log_probs(model: Captioner, features: FeatureSource, captions: Tensor, lengths: Tensor) -> Tensor:
    """ln p (C,) of each caption with its own image; caption i belongs to image i."""

    def score(blocks: Sequence[np.ndarray]) -> list[Tensor]:
        return [torch.cat([score_block(positions) for positions in blocks])]

    def score_block(positions: np.ndarray) -> Tensor:
        rows = slice(int(positions[0]), int(positions[-1]) + 1)
        image = torch.arange(len(positions), device=captions.device)
        encoded = model.encode(features.read(positions))
        return model.sequence_log_prob(encoded, captions[rows], lengths[rows], image)

    blocks = split_into_blocks(np.arange(len(captions)), model.images_at_once(BLOCK_SIZE))
    return computed_together(blocks, score)[0]


def lowest_log_probs(
    model: Captioner, features: FeatureSource, captions: Tensor, lengths: Tensor, images: Tensor
) -> Tensor:
    """The lowest ln p (C,) of each caption among those with its ``images`` (C, K)."""
    lowest = torch.full(lengths.shape, torch.inf, device=captions.device)
    for positions in processes().share(features.blocks(model.images_at_once(BLOCK_SIZE))):
        caption, column = ((images >= positions[0]) & (images <= positions[-1])).nonzero(as_tuple=True)
        if not len(caption):
            continue
        encoded = model.encode(features.read(positions))
        image = images[caption, column] - int(positions[0])
        for part in torch.arange(len(caption), device=captions.device).split(len(positions)):
            rows = caption[part]
            scores = model.sequence_log_prob(encoded, captions[rows], lengths[rows], image[part])
            lowest.scatter_reduce_(0, rows, scores, "amin")
    return gathered(lowest).view(processes().count, len(lowest)).amin(dim=0)
