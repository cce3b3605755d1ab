"""CIDErBtw (Wang et al. 2020): CIDEr-D of a caption against the references of similar images.

Lower values mean more distinctive captions. The paper finds similar images with a retrieval model; here they are the
images with the nearest pooled features.
"""

from dataclasses import replace

from clcap_cli import __version__
from clcap_cli.metrics.cider import SCALE, tf_idf
from clcap_cli.metrics.metric import DISTINCTIVENESS, LOWER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.statistic import Statistic, mean_of

SIMILAR_IMAGES = 5
"""Number of similar images that a caption is compared with, as in the paper."""


def _measure(predictions: Predictions) -> Columns:
    similar = predictions.context.similar_images
    if similar is None:
        return {}
    images = [similar[image] for image in predictions.image_index.tolist()]
    return {"CIDErBtw": predictions.cached(tf_idf).cider_d(images).tolist()}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    """The mean score. It has no interval: scores of images with the same similar images depend on each other."""
    mean = mean_of(predictions.mean_by_image(predictions.column("CIDErBtw")))
    return {"CIDErBtw": replace(mean, has_interval=False)}


def _signature(predictions: Predictions) -> dict[str, str]:
    df_name = predictions.context.df_name or "the references"
    parts = {"variant": "CIDEr-D", "df": df_name, "similar": str(SIMILAR_IMAGES), "impl": f"clcap-{__version__}"}
    return {"scale": "0-10", **parts}


METRIC = Metric(
    name="CIDErBtw",
    group=DISTINCTIVENESS,
    values=(
        MetricInfo(
            "CIDErBtw",
            "CIDEr of a caption against the references of similar images; 0 to 10.",
            LOWER,
            scale=SCALE,
        ),
    ),
    statistics=_statistics,
    measure=_measure,
    columns=("CIDErBtw",),
    signature=_signature,
    computed="always",
)
