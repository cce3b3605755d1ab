"""Share of captions that differ from each other."""

from clcap_cli.metrics.incidence import distinct_share, incidence_matrix
from clcap_cli.metrics.metric import DISTINCTIVENESS, HIGHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Predictions
from clcap_cli.metrics.scale import SHARE, Scale
from clcap_cli.metrics.statistic import Statistic


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    captions = incidence_matrix(predictions.grouped_by_image(predictions.captions), {})
    return {"unique_share": distinct_share(captions, predictions.caption_counts.astype(float))}


METRIC = Metric(
    name="uniqueness",
    group=DISTINCTIVENESS,
    values=(
        # Counted on raw captions by the stages that write it, and not resampled.
        MetricInfo("unique_captions", "Number of distinct captions.", HIGHER, 1, is_count=True, scale=Scale(1, None)),
        MetricInfo("unique_share", "Distinct captions as a share of all captions; 0 to 1.", HIGHER, scale=SHARE),
    ),
    statistics=_statistics,
    computed="always",
)
