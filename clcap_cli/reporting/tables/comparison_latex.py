"""Differences from a baseline as LaTeX."""

from collections.abc import Sequence

from clcap_cli.artifacts.comparisons import Comparison, MetricDifference
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.metrics.multiple_captions import caption_value_name
from clcap_cli.reporting.difference_text import interval_text, p_text, signed_text
from clcap_cli.reporting.metric_groups import group_metrics
from clcap_cli.reporting.tables.columns import OF_PAPERS
from clcap_cli.reporting.tables.latex import sheets_as_latex
from clcap_cli.reporting.tables.sheet import Entry, Sheet, SheetColumn


def comparisons_as_latex(comparisons: Sequence[Comparison], images: str) -> str:
    """A table for each comparison: values, difference, interval and p of the metrics that papers print.

    Captions name the common ``images``, such as "test split, 400 images".
    """
    return sheets_as_latex([_sheet(comparison, images) for comparison in comparisons])


def _sheet(comparison: Comparison, images: str) -> Sheet:
    infos = _shown(comparison)
    primary = sum(comparison.metrics[info.name].primary for info in infos)
    return Sheet(
        title=f"{comparison.second} compared with {comparison.first}",
        images=images,
        sentences=_sentences(comparison, ruled=0 < primary < len(infos)),
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
    found = [(comparison.metrics[info.name], info) for info in infos]
    return [
        SheetColumn(comparison.first, [Entry(info.formatted(one.first)) for one, info in found]),
        SheetColumn(comparison.second, [Entry(info.formatted(one.second)) for one, info in found]),
        SheetColumn(
            "Difference", [Entry(signed_text(one.difference, info), star=one.significant) for one, info in found]
        ),
        SheetColumn("95% interval", [Entry(interval_text(one, info)) for one, info in found]),
        SheetColumn("p", [Entry(p_text(_decisive_p(one, comparison))) for one, _ in found]),
    ]


def _decisive_p(one: MetricDifference, comparison: Comparison) -> float | None:
    return one.p_seeds_holm if comparison.seed_test else one.p_images_holm


def _sentences(comparison: Comparison, ruled: bool) -> list[str]:
    over = "seeds" if comparison.seed_test else "images"
    starred = any(one.significant for one in comparison.metrics.values())
    return [
        "95% confidence intervals of the difference are over images.",
        f"p: test over {over} after Holm's correction{', * p < .05' if starred else ''}.",
        *(["Above the line: the primary metrics, which are corrected separately."] if ruled else []),
    ]
