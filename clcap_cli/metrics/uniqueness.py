"""Whether captions differ from each other."""

from clcap_cli.metrics.incidence import distinct_share, incidence
from clcap_cli.metrics.metric import DISTINCTIVENESS, HIGHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Predictions
from clcap_cli.metrics.statistic import Statistic


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    whole = incidence(predictions.by_image(predictions.captions), {})
    return {"unique_share": distinct_share(whole, predictions.counts.astype(float))}


METRIC = Metric(
    name="uniqueness",
    group=DISTINCTIVENESS,
    values=(
        # A count of what is as written, and not resampled: the stages that write it count.
        MetricInfo("unique_captions", "Captions that differ from each other.", HIGHER, 1, whole=True),
        MetricInfo("unique_share", "Unique captions as a share of all; 0 to 1.", HIGHER),
    ),
    statistics=_statistics,
    computed="always",
)
