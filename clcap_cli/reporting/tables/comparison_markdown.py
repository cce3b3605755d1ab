"""Differences from a baseline as Markdown."""

from collections.abc import Sequence

from clcap_cli.artifacts.comparisons import Comparison
from clcap_cli.evaluation.comparison import SIGNIFICANCE_LEVEL
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.difference_text import (
    UNCORRECTED,
    interval_text,
    p_text,
    shown_info,
    signed_text,
    verdict_text,
)
from clcap_cli.reporting.metric_groups import group_metrics
from clcap_cli.reporting.tables.markdown import markdown_text


def comparisons_as_markdown(comparisons: Sequence[Comparison], names: Sequence[str] | None = None) -> str:
    """A table of all differences for each comparison, the primary metrics first, with what else the settings differ in.

    ``names`` are the metrics to show; None for all.
    """
    return "\n".join(_markdown(comparison, names) for comparison in comparisons)


def _markdown(comparison: Comparison, names: Sequence[str] | None) -> str:
    infos = [info for info in _in_order(comparison) if names is None or info.name in names]
    over_seeds = comparison.over_seeds
    heads = ["Metric", comparison.first, comparison.second, "Difference", "95% interval", "p, images", "Holm"]
    heads += ["p, seeds", "Holm"] if over_seeds else []
    rows = [_row(comparison, info, over_seeds) for info in infos]
    table = [_line([*heads, "Verdict"]), "|---" + "|---:" * (len(heads) - 1) + "|---|", *map(_line, rows)]
    title = markdown_text(f"{comparison.second} compared with {comparison.first}")
    parts = ["\n".join(table), " ".join(_legend(comparison)), *_differing(comparison)]
    return "\n\n".join([title, *parts]) + "\n"


def _in_order(comparison: Comparison) -> list[MetricInfo]:
    infos = [info for group in group_metrics(comparison.metrics).values() for info in group]
    return sorted(infos, key=lambda info: not comparison.metrics[info.name].primary)


def _row(comparison: Comparison, info: MetricInfo, over_seeds: bool) -> list[str]:
    one = comparison.metrics[info.name]
    info = shown_info(one, info)
    star = "*" if one.significant else ""
    seeds = [p_text(one.p_seeds), p_text(one.p_seeds_holm)] if over_seeds else []
    return [
        info.heading,
        info.formatted(one.first),
        info.formatted(one.second),
        f"{signed_text(one.difference, info)}{star}" if one.comparable else "-",
        interval_text(one, info),
        p_text(one.p_images),
        p_text(one.p_images_holm),
        *seeds,
        verdict_text(one, info),
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(markdown_text, cells))} |"


def _legend(comparison: Comparison) -> list[str]:
    over = f"seeds ({comparison.seed_test})" if comparison.seed_test else "images"
    starred = any(one.significant for one in comparison.metrics.values())
    return [
        *([f"\\* differs significantly: Holm's p over {over} < {SIGNIFICANCE_LEVEL}."] if starred else []),
        f"Intervals are over images. {UNCORRECTED}",
        "Holm: p corrected for the number of tests, primary metrics separately.",
    ]


def _differing(comparison: Comparison) -> list[str]:
    found = comparison.run_differences
    lines = {"Not comparable, because evaluated differently:": found.evaluation, "The runs differ in:": found.made_from}
    return [
        "\n".join([heading, "", *(f"- {markdown_text(line)}" for line in of_heading)])
        for heading, of_heading in lines.items()
        if of_heading
    ]
