"""The share of captions that name a colour, which often distinguishes two images of the same kind of object."""

from clcap_cli.metrics.metric import HIGHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import SHARE
from clcap_cli.metrics.statistic import mean_of

COLOURS = frozenset(["black", "blue", "brown", "green", "grey", "orange", "pink", "purple", "red", "white", "yellow"])


def _measure(predictions: Predictions) -> Columns:
    """1 for each caption that names a colour, 0 for the others."""
    return {"names_colour": [float(not COLOURS.isdisjoint(text.split())) for text in predictions.captions]}


METRIC = Metric(
    name="colours",
    group="Content",
    values=(MetricInfo("names_colour", "Share of captions that name a colour; 0 to 1.", HIGHER, scale=SHARE),),
    statistics=lambda given: {"names_colour": mean_of(given.mean_by_image(given.column("names_colour")))},
    measure=_measure,
    columns=("names_colour",),
    signature=lambda _: {"scale": "0-1", "colours": str(len(COLOURS))},
)
