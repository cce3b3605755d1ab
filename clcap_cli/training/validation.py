"""Validation metrics that all objectives share."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from clcap_cli.compute.collectives import computed_together
from clcap_cli.compute.random_streams import random_generator
from clcap_cli.decoding.captioning import decode
from clcap_cli.decoding.settings import GREEDY
from clcap_cli.features.feature_sets import FeatureSet, feature_source
from clcap_cli.features.pixel_captioner import captioner_in, source_for_captioner
from clcap_cli.features.source import BLOCK_SIZE, FeatureSource
from clcap_cli.metrics.cider import cider_scores
from clcap_cli.models.captioner import Captioner
from clcap_cli.retrieval.ranks import retrieval_metrics
from clcap_cli.retrieval.search import find_ranks
from clcap_cli.training.data import CaptionSplit

SAMPLE_SIZE = 200
"""Number of images of the validation split that are captioned at each validation."""


@torch.inference_mode()
def split_log_probs(model: Captioner, captions: CaptionSplit, features: FeatureSource) -> tuple[Tensor, Tensor]:
    """ln p(c|I) of all captions of a split with their own images, and their lengths: (captions,) each."""

    def score(blocks: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
        log_probs, lengths = [], []
        for positions in blocks:
            batch = captions.batch(*captions.captions_of_images(positions))
            log_probs.append(model(features.read(positions), batch.captions, batch.lengths, batch.image_index))
            lengths.append(batch.lengths)
        return torch.cat(log_probs), torch.cat(lengths)

    log_probs, lengths = computed_together(features.blocks(model.images_at_once(BLOCK_SIZE)), score)
    return log_probs, lengths


class CaptionSample:
    """Random images of a split that are captioned at each validation; determined by the seed."""

    def __init__(self, captions: CaptionSplit, features: FeatureSet, model: Captioner, seed: int):
        chosen = np.sort(random_generator(seed, "validation sample").permutation(len(captions))[:SAMPLE_SIZE])
        self.feature_source = feature_source(features, [captions.ids[position] for position in chosen], model)
        self.tokenizer = captions.tokenizer
        references = captions.source.references(captions.image_rows[chosen]).values()
        self.segmenter = captions.source.tokenizer.segmenter
        self.references = [list(map(self.segmenter.text, texts)) for texts in references]

    @torch.inference_mode()
    def metrics(self, model: Captioner, images: int = SAMPLE_SIZE) -> dict[str, float]:
        """Self-retrieval among the sample with greedy captions, how many are unique or empty, and their CIDEr-D.

        CIDEr-D counts the words of the segmentation of captions.h5, and document frequencies within the sample.
        """
        source, model = source_for_captioner(model, self.feature_source.first(images)), captioner_in(model)
        decoded = decode([model], [source], GREEDY, self.tokenizer.never_generated)
        ranks = find_ranks(model, source, decoded.captions, decoded.lengths).ranks
        metrics = retrieval_metrics(ranks, len(source))
        texts = decoded.texts(self.tokenizer)
        return {
            **{name: metrics[name] for name in ("R@1", "R@5", "mean_rank") if name in metrics},
            "unique_share": len(set(texts)) / len(texts),
            "empty_share": sum(not text for text in texts) / len(texts),
            "CIDEr": float(cider_scores(list(map(self.segmenter.text, texts)), self.references[:images]).mean()),
        }
