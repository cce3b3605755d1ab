"""Differences from a baseline as LaTeX."""

from collections.abc import Sequence

from clcap_cli.artifacts.comparisons import Comparison, MetricDifference
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.metrics.multiple_captions import caption_value_name
from clcap_cli.reporting.difference_text import interval_text, p_text, shown_info, signed_text
from clcap_cli.reporting.marks import decisive_test, evaluated_differently
from clcap_cli.reporting.metric_groups import group_metrics
from clcap_cli.reporting.tables.columns import OF_PAPERS
from clcap_cli.reporting.tables.latex import sheets_as_latex
from clcap_cli.reporting.tables.legend import DAGGER, STAR, rows_by
from clcap_cli.reporting.tables.sheet import Entry, Sheet, SheetColumn

INTERVALS = "95% confidence intervals of the difference are over images."
HOLM = "after Holm's correction, which counts the primary metrics of all settings and, separately, all others."


def comparisons_as_latex(comparisons: Sequence[Comparison], images: str, count: int) -> str:
    """A table for each comparison: values, difference, interval and p of the metrics that papers print.

    Captions name the ``count`` common ``images``, such as "test split, 400 images".
    """
    return sheets_as_latex([_sheet(comparison, images, count) for comparison in comparisons])


def _sheet(comparison: Comparison, images: str, count: int) -> Sheet:
    infos = _shown(comparison)
    primary = sum(comparison.metrics[info.name].primary for info in infos)
    return Sheet(
        title=f"{comparison.second} compared with {comparison.first}",
        images=images,
        sentences=_sentences(comparison, count, ruled=0 < primary < len(infos)),
        legend=_legend(comparison, infos),
        corner="Metric",
        names=[info.heading for info in infos],
        columns=_columns(comparison, infos),
        ruled=frozenset({primary}) if 0 < primary < len(infos) else frozenset(),
    )


def _shown(comparison: Comparison) -> list[MetricInfo]:
    """The primary metrics, then the others that papers print; all metrics if there is none of these."""
    infos = [info for group in group_metrics(comparison.metrics).values() for info in group]
    primary = [info for info in infos if comparison.metrics[info.name].primary]
    others = [info for info in infos if info not in primary and caption_value_name(info.name) in OF_PAPERS]
    return [*primary, *others] or infos


def _columns(comparison: Comparison, infos: list[MetricInfo]) -> list[SheetColumn]:
    found = [(one := comparison.metrics[info.name], shown_info(one, info)) for info in infos]
    over_seeds = comparison.over_seeds
    return [
        SheetColumn(comparison.first, [_value(one.first, one.spreads[0], info, over_seeds) for one, info in found]),
        SheetColumn(comparison.second, [_value(one.second, one.spreads[1], info, over_seeds) for one, info in found]),
        SheetColumn("Difference", [_difference(one, info) for one, info in found]),
        SheetColumn("95% interval", [Entry(interval_text(one, info)) for one, info in found]),
        SheetColumn("p", [Entry(p_text(one.decisive_p(over_seeds))) for one, _ in found]),
    ]


def _value(mean: float, deviation: float, info: MetricInfo, over_seeds: bool) -> Entry:
    shown = over_seeds or deviation > 0
    return Entry(info.formatted(mean), f"± {deviation:.{info.decimals}f}" if shown else "")


def _difference(one: MetricDifference, info: MetricInfo) -> Entry:
    if not one.comparable:
        return Entry("", mark=DAGGER)
    return Entry(signed_text(one.difference, info), mark=STAR if one.significant else "")


def _legend(comparison: Comparison, infos: list[MetricInfo]) -> dict[str, str]:
    evaluated = evaluated_differently(comparison)
    rows = rows_by([(info.label, evaluated.get(info.name, "")) for info in infos])
    words = "; ".join(f"{', '.join(labels)} ({how})" for how, labels in rows.items())
    return {STAR: "* p < .05.", DAGGER: f"† evaluated differently, so not comparable: {words}."}


def _sentences(comparison: Comparison, count: int, ruled: bool) -> list[str]:
    spreads = any(any(one.spreads) for one in comparison.metrics.values())
    tested = any(one.decisive_p(comparison.over_seeds) is not None for one in comparison.metrics.values())
    tests = [f"p: {decisive_test(comparison, count)}, {HOLM}", INTERVALS]
    return [
        *(["±: sample standard deviation over seeds."] if spreads else []),
        *(tests if tested else []),
        *(["The primary metrics stand above the line."] if ruled else []),
    ]
