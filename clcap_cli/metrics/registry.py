"""All metrics in the order of reports: clcap's own and those of installed packages.

A package adds a metric through an entry point of the group ``clcap.metrics`` that has the metric's name and refers to a
Metric.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from clcap_cli.console import print_warning
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.registry import Registry

if TYPE_CHECKING:
    from clcap_cli.metrics.metric import Metric, MetricInfo
    from clcap_cli.metrics.scale import Scale

METRICS: "Registry[Metric]" = Registry(
    "metric",
    "clcap.metrics",
    {
        "self-retrieval": "clcap_cli.metrics.self_retrieval:METRIC",
        "BLEU": "clcap_cli.metrics.bleu:METRIC",
        "METEOR": "clcap_cli.metrics.meteor:METRIC",
        "ROUGE_L": "clcap_cli.metrics.rouge_l:METRIC",
        "CIDEr": "clcap_cli.metrics.cider:METRIC",
        "SPICE": "clcap_cli.metrics.spice:METRIC",
        "SPIDEr": "clcap_cli.metrics.spider:METRIC",
        "SBERT-sim": "clcap_cli.metrics.sentence_similarity:METRIC",
        "CLIPScore": "clcap_cli.metrics.clip_score:METRIC",
        "RefCLIPScore": "clcap_cli.metrics.ref_clip_score:METRIC",
        "CLIP-retrieval": "clcap_cli.metrics.clip_retrieval:METRIC",
        "CHAIR": "clcap_cli.metrics.chair:METRIC",
        "CIDErBtw": "clcap_cli.metrics.cider_between:METRIC",
        "uniqueness": "clcap_cli.metrics.uniqueness:METRIC",
        "novelty": "clcap_cli.metrics.novelty:METRIC",
        "distinct": "clcap_cli.metrics.distinct:METRIC",
        "vocabulary": "clcap_cli.metrics.vocabulary:METRIC",
        "repetition": "clcap_cli.metrics.repetition:METRIC",
        "length": "clcap_cli.metrics.length:METRIC",
        "word-frequency": "clcap_cli.metrics.word_frequency:METRIC",
        "div": "clcap_cli.metrics.div:METRIC",
        "mBLEU": "clcap_cli.metrics.mbleu:METRIC",
    },
)


def metric_named(name: str) -> "Metric":
    """The metric called ``name``.

    Raises ClcapError for an unknown name, and if a package's entry point of this name refers to something else.
    """
    from clcap_cli.metrics.metric import Metric

    metric = METRICS.get(name)
    if not isinstance(metric, Metric) or metric.name != name:
        raise ClcapError(f"the metric '{name}' of an installed package is not a clcap Metric of that name")
    return metric


def all_metrics() -> "list[Metric]":
    """All metrics; a package's metric that cannot be loaded is left out with a message at the first call."""
    return list(_loadable_metrics())


@cache
def _loadable_metrics() -> "list[Metric]":
    metrics = []
    for name in METRICS.names:
        try:
            metrics.append(metric_named(name))
        except ClcapError as error:
            print_warning(f"left out: {error}")
    return metrics


def info_of(name: str) -> "MetricInfo | None":
    """The description of the value ``name`` of any metric; None if no metric describes it."""
    from clcap_cli.metrics.multiple_captions import find_info

    infos = (find_info(metric, name) for metric in all_metrics())
    return next((info for info in infos if info), None)


def metric_of(name: str) -> "Metric | None":
    """The metric that has the value ``name``; None if no metric describes it."""
    from clcap_cli.metrics.multiple_captions import find_info

    return next((metric for metric in all_metrics() if find_info(metric, name)), None)


def scale_of(name: str) -> "Scale":
    """The scale of the value ``name`` of any metric; without limits if no metric describes it."""
    from clcap_cli.metrics.scale import UNLIMITED

    info = info_of(name)
    return info.scale if info else UNLIMITED


def selected_metrics(names: str | None) -> "list[Metric]":
    """The metrics that --metrics names, separated by commas and in any case, and the metrics that these need.

    None selects the default metrics. Raises InvalidValueError for an unknown name, and if there is no name.
    """
    if names is None:
        return [metric for metric in all_metrics() if metric.computed == "by default"]
    known = {metric.name.upper(): metric for metric in all_metrics()}
    selected = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in selected if name.upper() not in known]
    if unknown or not selected:
        choices = ", ".join(metric.name for metric in known.values() if metric.computed != "always")
        problem = f"there is no metric '{unknown[0]}'" if unknown else "it names no metric"
        raise InvalidValueError("metrics", f"{problem}; choose from {choices}; all other metrics are always computed")
    return _with_needed([known[name.upper()] for name in selected])


def _with_needed(metrics: "Sequence[Metric]") -> "list[Metric]":
    names = {name for metric in metrics for name in (metric.name, *metric.needs)}
    return [metric for metric in all_metrics() if metric.name in names]
