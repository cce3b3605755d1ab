"""What files have values of, under the headings of reports: the metrics' own, counts, and whatever else there is."""

import re
from collections.abc import Iterable

from clcap_cli.metrics.metric import NEITHER, Metric, MetricInfo
from clcap_cli.metrics.multiple_captions import caption_value_name, find_info
from clcap_cli.metrics.registry import all_metrics

COUNTS = (
    MetricInfo("images", "Images that were captioned.", NEITHER, 1, in_summary=False),
    MetricInfo("tied_captions", "Captions that score another image the same as theirs.", NEITHER, 1, in_summary=False),
)
THE_REST = "Other metrics"


def grouped(names: Iterable[str]) -> dict[str, list[MetricInfo]]:
    """The values called ``names`` under the headings they belong to, in the metrics' order, unknown ones last."""
    names = list(dict.fromkeys(names))
    found: dict[str, list[MetricInfo]] = {}
    for metric in all_metrics():
        found.setdefault(metric.group, []).extend(_of(metric, names))
    known = {info.name for infos in found.values() for info in infos}
    counts = {info.name: info for info in COUNTS}
    rest = [name for name in names if name not in known]
    found[THE_REST] = [counts.get(name, MetricInfo(name, "", NEITHER)) for name in rest]
    return {title: infos for title, infos in found.items() if infos}


def infos_of(names: Iterable[str]) -> list[MetricInfo]:
    """What is to be known of the values called ``names``, in their order."""
    names = list(dict.fromkeys(names))
    known = {info.name: info for infos in grouped(names).values() for info in infos}
    return [known[name] for name in names]


def _of(metric: Metric, names: Iterable[str]) -> list[MetricInfo]:
    """The metric's own among ``names``, in its order; R@k by k."""
    infos = [info for name in names if (info := find_info(metric, name))]
    return sorted(infos, key=lambda info: _place(metric, info.name))


def _place(metric: Metric, name: str) -> tuple[int, list[int]]:
    place = next(at for at, info in enumerate(metric.values) if info.for_name(caption_value_name(name)))
    return place, [int(number) for number in re.findall(r"\d+", name)]
