"""Metric values grouped under the headings of reports; unknown values come last."""

import re
from collections.abc import Iterable

from clcap_cli.metrics.metric import NEITHER, Metric, MetricInfo
from clcap_cli.metrics.multiple_captions import caption_value_name, find_info
from clcap_cli.metrics.registry import all_metrics

COUNTS = (
    MetricInfo("images", "Number of captioned images.", NEITHER, 1, in_summary=False),
    MetricInfo(
        "tied_captions", "Number of captions whose own image ties with another image.", NEITHER, 1, in_summary=False
    ),
)
OTHER = "Other metrics"


def group_metrics(names: Iterable[str]) -> dict[str, list[MetricInfo]]:
    """Descriptions of the values called ``names`` by heading, in the order of the registry; unknown values last."""
    names = list(dict.fromkeys(names))
    found: dict[str, list[MetricInfo]] = {}
    for metric in all_metrics():
        found.setdefault(metric.group, []).extend(_infos_of_metric(metric, names))
    known = {info.name for infos in found.values() for info in infos}
    counts = {info.name: info for info in COUNTS}
    rest = [name for name in names if name not in known]
    found[OTHER] = [counts.get(name, MetricInfo(name, "", NEITHER)) for name in rest]
    return {title: infos for title, infos in found.items() if infos}


def metric_infos(names: Iterable[str]) -> list[MetricInfo]:
    """Descriptions of the values called ``names``, in their order."""
    names = list(dict.fromkeys(names))
    known = {info.name: info for infos in group_metrics(names).values() for info in infos}
    return [known[name] for name in names]


def _infos_of_metric(metric: Metric, names: Iterable[str]) -> list[MetricInfo]:
    """Descriptions of those of ``names`` that belong to the metric, in its order; R@k by k."""
    infos = [info for name in names if (info := find_info(metric, name))]
    return sorted(infos, key=lambda info: _sort_key(metric, info.name))


def _sort_key(metric: Metric, name: str) -> tuple[int, list[int]]:
    position = next(position for position, info in enumerate(metric.values) if info.for_name(caption_value_name(name)))
    return position, [int(number) for number in re.findall(r"\d+", name)]
