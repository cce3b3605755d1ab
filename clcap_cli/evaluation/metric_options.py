"""Options of evaluate that only some metrics use."""

from collections.abc import Mapping
from typing import Any

from clcap_cli.errors import InvalidValueError
from clcap_cli.metrics.bleu_settings import BleuSettings


def check_metric_options(given: Mapping[str, Any]) -> None:
    """Raise InvalidValueError for an option of a metric that --metrics leaves out, and for one that a metric lacks."""
    named = {name.strip().upper() for name in (given["metrics"] or "").split(",")}
    of_checkpoint = any(path.suffix == ".pt" for path in given["models_or_results"] or ())
    given["encoders"].check_metrics(given["metrics"], of_checkpoint)
    if given["objects"] and "CHAIR" not in named:
        raise InvalidValueError("objects", "only CHAIR uses it; name the metric with --metrics")
    if given["metrics"] and "BLEU" not in named:
        for name, value in vars(given["bleu"]).items():
            if value != getattr(BleuSettings(), name):
                raise InvalidValueError(name, "only BLEU uses it; name the metric with --metrics")
