"""Vocabulary of captions: its size and its coverage of other vocabularies (van Miltenburg et al. 2018)."""

from itertools import chain

from clcap_cli.metrics.incidence import count_distinct, incidence_matrix, share_covered
from clcap_cli.metrics.metric import DISTINCTIVENESS, HIGHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Predictions
from clcap_cli.metrics.scale import COUNT, SHARE
from clcap_cli.metrics.statistic import Formula, Statistic
from clcap_cli.metrics.word_counts import word_incidence
from clcap_cli.tokenizers.words import WordTokenizer


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    used, in_references = predictions.cached(word_incidence)
    formulas: dict[str, Formula] = {
        "vocabulary_used": lambda weights: count_distinct(weights, used),
        "vocabulary_share_of_references": lambda weights: share_covered(weights, used, in_references),
    }
    if predictions.context.training is not None:
        formulas["vocabulary_share_of_training"] = _share_of_training(
            predictions, predictions.context.training.tokenizer
        )
    # A vocabulary grows with the number of images, and resamples with repeated images have a smaller one.
    return {name: Statistic(formula, has_interval=False, is_comparable=False) for name, formula in formulas.items()}


def _share_of_training(predictions: Predictions, tokenizer: WordTokenizer) -> Formula:
    """The share of the words of the training vocabulary that captions use."""
    ranks = [map(tokenizer.frequency_rank, tokenizer.encode(text)) for text in predictions.raw_captions]
    known = [[rank for rank in caption if rank is not None] for caption in ranks]
    used = incidence_matrix([list(chain.from_iterable(group)) for group in predictions.grouped_by_image(known)], {})
    words = len(tokenizer.words)
    return lambda weights: count_distinct(weights, used) / words


METRIC = Metric(
    name="vocabulary",
    group=DISTINCTIVENESS,
    values=(
        MetricInfo("vocabulary_used", "Distinct words of all captions.", HIGHER, 1, is_count=True, scale=COUNT),
        MetricInfo(
            "vocabulary_share_of_training",
            "Share of training words that captions use; 0 to 1.",
            HIGHER,
            scale=SHARE,
            in_summary=False,
        ),
        MetricInfo(
            "vocabulary_share_of_references",
            "Share of reference words that captions use; 0 to 1.",
            HIGHER,
            scale=SHARE,
            in_summary=False,
        ),
    ),
    statistics=_statistics,
    computed="always",
)
