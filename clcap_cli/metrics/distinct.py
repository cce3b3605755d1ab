"""Distinct-1 and distinct-2 (Li et al. 2016): distinct words and bigrams of all captions, as a share of all."""

from clcap_cli.metrics.incidence import distinct_share
from clcap_cli.metrics.metric import DISTINCTIVENESS, HIGHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Predictions
from clcap_cli.metrics.scale import SHARE
from clcap_cli.metrics.statistic import Statistic
from clcap_cli.metrics.word_counts import bigram_counts_of, bigram_incidence, lengths_of, word_incidence


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    words, _ = predictions.cached(word_incidence)
    word_counts, bigram_counts = map(predictions.sum_by_image, (lengths_of(predictions), bigram_counts_of(predictions)))
    return {
        "distinct_1": distinct_share(words, word_counts),
        "distinct_2": distinct_share(bigram_incidence(predictions), bigram_counts),
    }


METRIC = Metric(
    name="distinct",
    group=DISTINCTIVENESS,
    values=(
        MetricInfo(
            "distinct_1", "Distinct words as a share of all words; 0 to 1.", HIGHER, 4, scale=SHARE, in_summary=False
        ),
        MetricInfo(
            "distinct_2",
            "Distinct bigrams as a share of all bigrams; 0 to 1.",
            HIGHER,
            4,
            scale=SHARE,
            in_summary=False,
        ),
    ),
    statistics=_statistics,
    computed="always",
)
