"""Distinct-1 and distinct-2 (Li et al. 2016): different words, and pairs of words, as a share of all."""

from clcap_cli.metrics.incidence import distinct_share
from clcap_cli.metrics.metric import DISTINCTIVENESS, HIGHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Predictions
from clcap_cli.metrics.statistic import Statistic
from clcap_cli.metrics.word_counts import lengths_of, pair_incidence, pairs_per_caption, word_incidence


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    used, _ = predictions.once(word_incidence)
    return {
        "distinct_1": distinct_share(used, predictions.total(lengths_of(predictions))),
        "distinct_2": distinct_share(pair_incidence(predictions), predictions.total(pairs_per_caption(predictions))),
    }


METRIC = Metric(
    name="distinct",
    group=DISTINCTIVENESS,
    values=(
        MetricInfo("distinct_1", "Different words as a share of all words; 0 to 1.", HIGHER),
        MetricInfo("distinct_2", "Different word pairs as a share of all pairs; 0 to 1.", HIGHER),
    ),
    statistics=_statistics,
    computed="always",
)
