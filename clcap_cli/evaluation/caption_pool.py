"""Images with one caption each, and the model that ranks them: self-retrieval of these captions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from clcap_cli.artifacts.ranking import Ranking
from clcap_cli.artifacts.results import Measurements
from clcap_cli.console import progress_with_label
from clcap_cli.datasets.records import ImageId
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.retrieval.estimate import estimate_from
from clcap_cli.retrieval.kept import KEEPS_NOTHING, KeepsNothing
from clcap_cli.retrieval.results import retrieval_results
from clcap_cli.retrieval.search import SearchResult, find_ranks, score_matrix
from clcap_cli.retrieval.similar_images import similar_images

NUM_BEST = 5
"""Number of best-ranked images that are stored for each caption."""


@dataclass(frozen=True)
class CaptionPool:
    """N images, captions of the first C of them, and the model that ranks."""

    model: Captioner
    features: FeatureSource
    captions: Sequence[str]
    tokens: Tensor
    """(C, T) int64, the captions as tokens of the model's tokenizer."""
    lengths: Tensor
    """(C,) int64, tokens of each; the end token not counted."""
    similar: int | None = None
    """Number of images in the pool of each caption, its own and the most similar ones; None for all images."""
    distractors: str = ""
    """The images without a caption, as text for signatures; empty if every image has one."""
    sample_of: int | None = None
    """Number of images that those of the captions are a random sample of; None if every caption is ranked."""

    def search(self, kept: KeepsNothing = KEEPS_NOTHING) -> SearchResult:
        """Rank the images for every caption, with progress on the screen; ``kept`` as in ``find_ranks``."""
        show_progress = progress_with_label("ranking, blocks of images")
        captions = (self.tokens, self.lengths)
        return find_ranks(self.model, self.features, *captions, show_progress, self._pools(), NUM_BEST, kept)

    def score_matrix(self) -> Tensor:
        """ln p of every caption (row) with every image (column), with progress on the screen."""
        show_progress = progress_with_label("every ln p, blocks of images")
        return score_matrix(self.model, self.features, self.tokens, self.lengths, show_progress)

    def results(
        self, found: SearchResult, ids: Sequence[ImageId], ranking: Ranking, seed: int, signature: dict[str, str]
    ) -> Measurements:
        """The record of a search; see ``retrieval_results``."""
        pool_size = self.similar or len(ids)
        pool = f"similar {self.similar} of {len(ids)}, features {self.features.id[:8]}" if self.similar else len(ids)
        captions = self.sample_of or len(self.captions)
        others = f", {len(ids) - captions} distractors of {self.distractors}" if self.distractors else ""
        sample = f", estimated from {len(self.captions)} of {captions} captions" if self.sample_of else ""
        signature = {"pool": f"{pool}{others}{sample}", "ranker": ranking.signature, **signature}
        tokens = int((self.lengths + 1).sum())
        results = retrieval_results(found, ids, self.captions, pool_size, tokens, ranking, seed, signature)
        if not self.sample_of:
            return results
        estimate = estimate_from(found.ranks, pool_size, captions, seed)
        return replace(results, details={**results.details, "estimate": estimate.model_dump()})

    def _pools(self) -> Tensor | None:
        """(C, ``similar``) the images of each caption's pool, its own first."""
        if self.similar is None:
            return None
        others = similar_images(self.features, self.similar - 1, len(self.tokens))
        own = torch.arange(len(others), device=others.device).unsqueeze(1)
        return torch.cat([own, others], dim=1)
