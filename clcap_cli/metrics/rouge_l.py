"""ROUGE-L (Lin 2004): F-measure of the longest common subsequence, computed by pycocoevalcap."""

from importlib.metadata import version

from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import SHARE
from clcap_cli.metrics.statistic import mean_of


def _measure(predictions: Predictions) -> Columns:
    from pycocoevalcap.rouge.rouge import Rouge

    scorer = Rouge()
    pairs = zip(predictions.captions, predictions.references_by_caption, strict=True)
    return {"ROUGE_L": [float(scorer.calc_score([text], references)) for text, references in pairs]}


METRIC = Metric(
    name="ROUGE_L",
    group=REFERENCES,
    values=(MetricInfo("ROUGE_L", "Longest common subsequence with a reference; 0 to 1.", HIGHER, scale=SHARE),),
    statistics=lambda predictions: {"ROUGE_L": mean_of(predictions.mean_by_image(predictions.column("ROUGE_L")))},
    measure=_measure,
    columns=("ROUGE_L",),
    signature=lambda _: {"scale": "0-1", "impl": f"pycocoevalcap-{version('pycocoevalcap')}", "beta": "1.2"},
    computed="by default",
)
