"""All metrics, in the order in which they are reported: clcap's own, and those of installed packages.

A package offers one by an entry point of the group ``clcap.metrics`` with the metric's name, which leads to a Metric.
"""

from collections.abc import Sequence
from functools import cache

from clcap_cli.console import say
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.metrics.metric import Metric
from clcap_cli.registry import Registry

METRICS: Registry[Metric] = Registry(
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


def metric_named(name: str) -> Metric:
    """The metric called ``name``.

    Raises ClcapError for an unknown name, and for a package that offers something else under it.
    """
    found = METRICS.get(name)
    if not isinstance(found, Metric) or found.name != name:
        raise ClcapError(f"the metric '{name}' of an installed package is not a clcap Metric of that name")
    return found


def every_metric() -> list[Metric]:
    """All of them; one of a package that cannot be loaded is left out, which is said once."""
    return list(_usable())


@cache
def _usable() -> list[Metric]:
    found = []
    for name in METRICS.names:
        try:
            found.append(metric_named(name))
        except ClcapError as error:
            say(f"left out: {error}")
    return found


def chosen_metrics(names: str | None) -> list[Metric]:
    """The metrics that --metrics names, in any case, separated by commas; None: those by default.

    Those that they are made of are chosen too. Raises InvalidValueError for an unknown name, and where there is none.
    """
    if names is None:
        return [metric for metric in every_metric() if metric.computed == "by default"]
    known = {metric.name.upper(): metric for metric in every_metric()}
    asked = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in asked if name.upper() not in known]
    if unknown or not asked:
        there = ", ".join(metric.name for metric in known.values() if metric.computed != "always")
        what = f"there is no metric '{unknown[0]}'" if unknown else "it names none"
        raise InvalidValueError("metrics", f"{what}; there are {there}; all others are always computed")
    return _with_needs([known[name.upper()] for name in asked])


def _with_needs(metrics: Sequence[Metric]) -> list[Metric]:
    wanted = {need for metric in metrics for need in (metric.name, *metric.needs)}
    return [metric for metric in every_metric() if metric.name in wanted]
