"""How many words captions use, and which share of the known ones (van Miltenburg et al. 2018: types, coverage)."""

from itertools import chain

from clcap_cli.metrics.incidence import distinct, incidence, share_of
from clcap_cli.metrics.metric import DISTINCTIVENESS, HIGHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Predictions
from clcap_cli.metrics.statistic import Statistic
from clcap_cli.metrics.word_counts import word_incidence
from clcap_cli.tokenizers.words import WordTokenizer


def _growing(statistic: Statistic) -> Statistic:
    return Statistic(statistic.of, counts_distinct=True, grows=True)


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    used, known = predictions.once(word_incidence)
    found = {
        "vocabulary_used": Statistic(lambda weights: distinct(weights, used)),
        "vocabulary_share_of_references": Statistic(lambda weights: share_of(weights, used, known)),
    }
    if predictions.context.training is not None:
        found["vocabulary_share_of_training"] = _share_of_training(predictions, predictions.context.training.tokenizer)
    return {name: _growing(statistic) for name, statistic in found.items()}


def _share_of_training(predictions: Predictions, training: WordTokenizer) -> Statistic:
    """The share of the training vocabulary's words that captions use."""
    ranks = [map(training.frequency_rank, training.encode(text)) for text in predictions.raw]
    known = [[rank for rank in found if rank is not None] for found in ranks]
    used = incidence([list(chain.from_iterable(own)) for own in predictions.by_image(known)], {})
    words = len(training.words)
    return Statistic(lambda weights: distinct(weights, used) / words)


METRIC = Metric(
    name="vocabulary",
    group=DISTINCTIVENESS,
    values=(
        MetricInfo("vocabulary_used", "Different words in all captions.", HIGHER, 1, whole=True),
        MetricInfo("vocabulary_share_of_training", "Used words as a share of the training vocabulary; 0 to 1.", HIGHER),
        MetricInfo("vocabulary_share_of_references", "Used words as a share of the references'; 0 to 1.", HIGHER),
    ),
    statistics=_statistics,
    computed="always",
)
