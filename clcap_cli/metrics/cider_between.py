"""CIDErBtw (Wang et al. 2020): CIDEr-D of a caption against the references of images like its own.

The lower it is, the more a caption says what is special about its image. The paper finds similar images by a retrieval
model; here they are those with the nearest pooled features.
"""

from clcap_cli import __version__
from clcap_cli.metrics.cider import CiderD
from clcap_cli.metrics.metric import DISTINCTIVENESS, LOWER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.statistic import mean_of

SIMILAR = 5
"""Images that a caption is compared with, as in Wang et al. 2020."""


def _measure(predictions: Predictions) -> Columns:
    context = predictions.context
    if context.similar is None:
        return {}
    texts = predictions.captions, predictions.references
    between = CiderD(*texts, context.corpus, against=context.similar, image=predictions.image)
    return {"CIDErBtw": between.each().tolist()}


def _signature(predictions: Predictions) -> dict[str, str]:
    frequencies = predictions.context.frequencies or "the references"
    parts = {"variant": "CIDEr-D", "df": frequencies, "similar": str(SIMILAR), "impl": f"clcap-{__version__}"}
    return {"scale": "0-10", **parts}


METRIC = Metric(
    name="CIDErBtw",
    group=DISTINCTIVENESS,
    values=(MetricInfo("CIDErBtw", "CIDEr of a caption with the references of similar images; 0 to 10.", LOWER),),
    statistics=lambda predictions: {"CIDErBtw": mean_of(predictions.mean(predictions.column("CIDErBtw")))},
    measure=_measure,
    columns=("CIDErBtw",),
    signature=_signature,
    computed="always",
)
