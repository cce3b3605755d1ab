"""ln p(c|I) of every caption under every image."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import Rows

PAIRS_AT_ONCE = 4096


@torch.inference_mode()
def score_matrix(
    model: Captioner,
    visual: Rows,
    captions: Tensor,
    lengths: Tensor,
    watch: Callable[[Iterable[int], int], Iterable[int]] = lambda blocks, total: blocks,
) -> Tensor:
    """ln p(c|I) of C captions under N images: (C, N) float32.

    ``captions`` is (C, T) int64, of which the first ``lengths`` (C,) words count. Equal captions are scored once.
    ``watch`` is given the blocks of work and their number, and passes them on.
    """
    together = torch.cat([captions, lengths.unsqueeze(1)], dim=1)
    unique, which = together.unique(dim=0, return_inverse=True)  # (U, T + 1), (C,)
    captions, lengths = unique[:, :-1], unique[:, -1]
    images, captions_at_once = len(visual), min(len(unique), PAIRS_AT_ONCE)
    images_at_once = max(1, PAIRS_AT_ONCE // captions_at_once)
    scores = torch.empty(len(unique), images, device=captions.device)
    starts = range(0, images, images_at_once)
    for first in watch(starts, len(starts)):
        block = visual[first : first + images_at_once]
        for caption in range(0, len(unique), captions_at_once):
            rows = slice(caption, caption + captions_at_once)
            scores[rows, first : first + len(block)] = _block(model, block, captions[rows], lengths[rows])
    return scores[which]


def _block(model: Captioner, visual: Rows, captions: Tensor, lengths: Tensor) -> Tensor:
    """Every caption under every image of a block: (C, N)."""
    count, images = len(captions), len(visual)
    image = torch.arange(images, device=captions.device).repeat(count)
    longest = max(int(lengths.max()), 1)
    repeated = captions[:, :longest].repeat_interleave(images, dim=0)
    scores = model.sequence_log_prob(visual, repeated, lengths.repeat_interleave(images), image)
    return scores.view(count, images)
