"""Length of captions."""

from clcap_cli.metrics.metric import DISTINCTIVENESS, NEITHER, Metric, MetricInfo
from clcap_cli.metrics.scale import COUNT
from clcap_cli.metrics.statistic import mean_of
from clcap_cli.metrics.word_counts import lengths_of

METRIC = Metric(
    name="length",
    group=DISTINCTIVENESS,
    values=(MetricInfo("mean_length", "Mean number of words per caption.", NEITHER, 2, scale=COUNT),),
    statistics=lambda predictions: {"mean_length": mean_of(predictions.mean_by_image(lengths_of(predictions)))},
    computed="always",
)
