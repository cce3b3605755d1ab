"""The metrics of single images that the page's charts show."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clcap_cli.datasets.records import ImageId
from clcap_cli.evaluation.runs import Run
from clcap_cli.reporting.metric_groups import metric_infos

NOT_SHOWN = ("image_id", "tied", "pool_size", "rank", "CIDEr")
"""Numbers of an image's entry that are no metrics, or that the page has elsewhere."""
LABELS = {"log_prob": "ln p of the caption"}
"""Labels of numbers that are no metrics of a whole run."""

Values = list[float | None]


def values_by_metric(run: Run, ids: Sequence[ImageId]) -> dict[str, Values]:
    """Each metric's values in the order of ``ids``; None for images without a value.

    The values have as many decimal places as the metric. Values of other captions than the shown ones are left out.
    """
    entries = [_entry(run, id) for id in ids]
    found = dict.fromkeys(name for entry in entries for name, value in entry.items() if _is_value(name, value))
    names = [name for name in found if f"{name}_share" not in found]  # a share is the mean over an image's captions
    decimals = {info.name: info.decimals for info in metric_infos(names)}
    return {name: [_rounded(entry.get(name), decimals[name]) for entry in entries] for name in names}


def described_metrics(runs: Iterable[Mapping[str, Values]]) -> list[dict[str, str | int]]:
    """Names, labels and directions of the metrics of all runs."""
    names = dict.fromkeys(name for values in runs for name in values)
    return [
        {"name": info.name, "label": LABELS.get(info.name, info.label), "direction": info.direction}
        for info in metric_infos(names)
    ]


def _entry(run: Run, id: ImageId) -> Mapping[str, Any]:
    """The entry of an image in the run's files; empty if it is of another caption."""
    entry = run.entries.get(id, {})
    return entry if id in run.images and entry.get("caption") == run.images[id].caption else {}


def _is_value(name: str, value: object) -> bool:
    return name not in NOT_SHOWN and isinstance(value, int | float) and not isinstance(value, bool)


def _rounded(value: Any, decimals: int) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return round(value, decimals) if is_number else None
