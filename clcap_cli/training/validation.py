"""What every objective measures on the validation split."""

import numpy as np
import torch
from torch import Tensor

from clcap_cli.decoding.beam import beam_search
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import Rows
from clcap_cli.retrieval.ranks import rank, retrieval_figures
from clcap_cli.retrieval.scoring import score_matrix
from clcap_cli.training.data import CaptionSplit, FeatureReader, image_batches

IMAGES_AT_ONCE = 64
SAMPLE = 200
"""Images of the validation split among which self-retrieval is tried each epoch."""


@torch.inference_mode()
def split_log_probs(model: Captioner, captions: CaptionSplit, features: FeatureReader) -> tuple[Tensor, Tensor]:
    """ln p(c|I) of every caption of the split with its own image, and their lengths: (captions,) each."""
    log_probs, lengths = [], []
    for positions in image_batches(len(captions), IMAGES_AT_ONCE, seed=None):
        batch = captions.batch(*captions.of_images(positions))
        visual = model.encode(features.read(positions))
        log_probs.append(model.sequence_log_prob(visual, batch.captions, batch.lengths, batch.image))
        lengths.append(batch.lengths)
    return torch.cat(log_probs), torch.cat(lengths)


@torch.inference_mode()
def sample_retrieval(model: Captioner, features: FeatureReader, seed: int) -> dict[str, float]:
    """Self-retrieval with greedy captions among a sample of the split, the same for the same seed."""
    count = min(SAMPLE, len(features))
    positions = np.sort(np.random.default_rng(seed).permutation(len(features))[:count])
    visual: Rows = model.encode(features.read(positions))
    found = beam_search(model, visual, beam=1)
    scores = score_matrix(model, visual, found.captions, found.lengths)
    ranks = rank(scores, torch.arange(count, device=scores.device))
    figures = retrieval_figures(ranks, count)
    unique = len(found.captions.unique(dim=0)) / count
    return {**{name: figures[name] for name in ("R@1", "R@5", "mean_rank") if name in figures}, "unique": unique}
