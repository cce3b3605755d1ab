"""What every objective measures on the validation split."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.feature_reader import FeatureReader
from clcap_cli.artifacts.features import Features
from clcap_cli.datasets.records import ImageId
from clcap_cli.decoding.captioning import decode
from clcap_cli.models.captioner import Captioner
from clcap_cli.retrieval.ranks import retrieval_figures
from clcap_cli.retrieval.search import find_ranks
from clcap_cli.training.data import CaptionSplit

SAMPLE = 200
"""Images of the validation split among which self-retrieval is tried each epoch."""


@torch.inference_mode()
def split_log_probs(model: Captioner, captions: CaptionSplit, features: FeatureReader) -> tuple[Tensor, Tensor]:
    """ln p(c|I) of every caption of the split with its own image, and their lengths: (captions,) each."""
    log_probs, lengths = [], []
    for positions in features.blocks():
        batch = captions.batch(*captions.of_images(positions))
        visual = model.encode(features.read(positions))
        log_probs.append(model.sequence_log_prob(visual, batch.captions, batch.lengths, batch.image))
        lengths.append(batch.lengths)
    return torch.cat(log_probs), torch.cat(lengths)


def retrieval_sample(features: Features, ids: Sequence[ImageId], model: Captioner, seed: int) -> FeatureReader:
    """A sample of the images, the same for the same seed."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(ids))[:SAMPLE])
    return FeatureReader(features, [ids[position] for position in chosen], model)


def sample_retrieval(model: Captioner, sample: FeatureReader) -> dict[str, float]:
    """Self-retrieval with greedy captions among the images of the sample."""
    found = decode(model, sample, beam=1)
    ranks = find_ranks(model, sample, found.captions, found.lengths).ranks
    figures = retrieval_figures(ranks, len(sample))
    unique = len(found.captions.unique(dim=0)) / len(sample)
    return {**{name: figures[name] for name in ("R@1", "R@5", "mean_rank") if name in figures}, "unique": unique}
