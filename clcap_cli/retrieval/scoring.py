"""ln p(c|I) of every caption under every image."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from clcap_cli.artifacts.feature_reader import FeatureReader
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import Rows

PAIRS_AT_ONCE = 4096
NUMBERS_AT_ONCE = 2**27
"""A block's (words, vocabulary) tensor has at most so many numbers: 512 MiB."""


@torch.inference_mode()
def score_matrix(
    model: Captioner,
    features: FeatureReader,
    captions: Tensor,
    lengths: Tensor,
    watch: Callable[[Iterable, int], Iterable] = lambda blocks, total: blocks,
) -> Tensor:
    """ln p(c|I) of C captions under the N images of ``features``: (C, N) float32.

    ``captions`` is (C, T) int64, of which the first ``lengths`` (C,) words count. Equal captions are scored once.
    ``watch`` is given the blocks of work and their number, and passes them on.
    """
    together = torch.cat([captions, lengths.unsqueeze(1)], dim=1)
    unique, which = together.unique(dim=0, return_inverse=True)  # (U, T + 1), (C,)
    captions, lengths = unique[:, :-1], unique[:, -1]
    words = (int(lengths.max()) + 1) * model.config.vocabulary_size
    pairs_at_once = max(1, min(PAIRS_AT_ONCE, NUMBERS_AT_ONCE // words))
    captions_at_once = min(len(unique), pairs_at_once)
    scores = torch.empty(len(unique), len(features), device=captions.device)
    blocks = features.blocks(pairs_at_once // captions_at_once)
    for positions in watch(blocks, len(blocks)):
        visual = model.encode(features.read(positions))
        columns = slice(positions[0], positions[-1] + 1)
        for first in range(0, len(unique), captions_at_once):
            rows = slice(first, first + captions_at_once)
            scores[rows, columns] = _block(model, visual, captions[rows], lengths[rows])
    return scores[which]


def _block(model: Captioner, visual: Rows, captions: Tensor, lengths: Tensor) -> Tensor:
    """Every caption under every image of a block: (C, N)."""
    count, images = len(captions), len(visual)
    image = torch.arange(images, device=captions.device).repeat(count)
    longest = max(int(lengths.max()), 1)
    repeated = captions[:, :longest].repeat_interleave(images, dim=0)
    scores = model.sequence_log_prob(visual, repeated, lengths.repeat_interleave(images), image)
    return scores.view(count, images)
