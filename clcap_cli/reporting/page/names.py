"""Names of runs and metrics in the page, and where their lines may break."""

import re

from markupsafe import Markup, escape

from clcap_cli.metrics.metric import MetricInfo


def breakable(name: str) -> Markup:
    """The name with places where a line may break: after underscores, dots, commas and equals signs."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=[_.,=])(?=.)", name))


def heading(metric: MetricInfo) -> str:
    """Label and arrow of a metric on the same line."""
    return f"{metric.label}\N{NO-BREAK SPACE}{metric.arrow}" if metric.arrow else metric.label
