"""A pool for self-retrieval: images with one caption each, which looks for its image among all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from clcap_cli.artifacts.results import Measurements
from clcap_cli.console import progress_with_label
from clcap_cli.datasets.records import ImageId
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.evaluation.model_inputs import decode_texts
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.retrieval.results import retrieval_results
from clcap_cli.retrieval.search import SearchResult, find_ranks
from clcap_cli.tokenizers.tokenizer import Tokenizer


@dataclass(frozen=True)
class CaptionPool:
    """N images, their captions, and the model that ranks."""

    model: Captioner
    features: FeatureSource
    captions: Sequence[str]
    tokens: Tensor
    """(N, T) int64, the captions as tokens."""
    lengths: Tensor
    """(N,) int64, tokens of each; the end token not counted."""

    def search(self) -> SearchResult:
        """Rank the images for every caption, with progress on the screen."""
        show_progress = progress_with_label("ranking, blocks of images")
        return find_ranks(self.model, self.features, self.tokens, self.lengths, show_progress)

    def results(
        self, found: SearchResult, ids: Sequence[ImageId], seed: int, signature: dict[str, str]
    ) -> Measurements:
        """The record of a search; see ``retrieval_results``."""
        return retrieval_results(found, ids, self.captions, int((self.lengths + 1).sum()), seed, signature)


def decoded_pool(
    model: Captioner, features: FeatureSource, tokenizer: Tokenizer, decoding: DecodingSettings, seed: int
) -> CaptionPool:
    """A pool whose captions are the model's own."""
    decoded, texts = decode_texts([model], [features], decoding, tokenizer, seed)
    return CaptionPool(model, features, [text for (text,) in texts], decoded.captions, decoded.lengths)
