"""The differences between a setting and the baseline as a table that fits a terminal."""

from collections.abc import Mapping, Sequence
from textwrap import wrap

from clcap_cli.artifacts.comparisons import Comparison, MetricDifference
from clcap_cli.evaluation.comparison import SIGNIFICANCE_LEVEL
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.metrics.permutation_test import MIN_IMAGES
from clcap_cli.reporting.difference_text import interval_text, p_text, shown_info, signed_text
from clcap_cli.reporting.metric_groups import metric_infos
from clcap_cli.reporting.short_names import WIDTH, short_names

ROW = f"{{:<13}} {{:>{WIDTH}}} {{:>{WIDTH}}} {{:>7}} {{:<16}} {{:>7}} {{:>7}} {{}}"
COMPACT_ROW = f"{{:<30}} {{:>{WIDTH}}} {{:>{WIDTH}}} {{:>7}} {{:>7}} {{}}"
NAME_WIDTHS = {ROW: 13, COMPACT_ROW: 30}
"""Width of the column of metrics; a longer name has a line of its own."""
PRIMARY = "primary metrics, chosen beforehand"
OTHER = "other metrics"
NOT_COMPARABLE = "not comparable, see below"
LINE_WIDTH = 80
Differences = Mapping[str, MetricDifference]


def comparison_lines(comparison: Comparison) -> list[str]:
    """The table: the primary metrics first, all others below without intervals; a star where it is significant."""
    titles = short_names([comparison.first, comparison.second])
    comparable = {name: one for name, one in comparison.metrics.items() if one.comparable}
    primary = {name: one for name, one in comparable.items() if one.primary}
    other = {name: one for name, one in comparable.items() if not one.primary}
    apart = {name: one for name, one in comparison.metrics.items() if not one.comparable}
    over_seeds = comparison.over_seeds
    full = [ROW.format("", *titles, "change", "95% interval", "p", "Holm", "").rstrip()]
    compact = COMPACT_ROW.format(OTHER, *titles, "change", "Holm", "").rstrip()
    return [
        *([*full, PRIMARY, *_rows(primary, over_seeds)] if primary else []),
        *([compact, *_compact_rows(other, over_seeds)] if other else []),
        *([NOT_COMPARABLE, *_value_rows(apart)] if apart else []),
    ]


def named_lines(start: str, names: Sequence[str]) -> list[str]:
    """The names after ``start``, in lines that fit a terminal; empty without names."""
    return wrapped(f"{start} {', '.join(names)}") if names else []


def wrapped(line: str) -> list[str]:
    """A line in lines that fit a terminal."""
    return wrap(line, LINE_WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def legend_lines(comparisons: Sequence[Comparison]) -> list[str]:
    """What the p-values and the stars of the tables mean."""
    found = [one for comparison in comparisons for one in comparison.metrics.values()]
    if all(one.p_images is None and one.p_seeds is None for one in found):
        return []
    lines = ["p over images: would the difference hold on other images, with these models?"]
    tests = list(dict.fromkeys(comparison.seed_test for comparison in comparisons if comparison.seed_test))
    if not tests:
        lines.append("It is about these models, not about the method: give several seeds of both.")
    else:
        lines.append("p over seeds: would the difference hold with other seeds, on these images?")
    lines += [f"  {test}" for test in tests]
    counted = "all metrics and settings" if len(comparisons) > 1 else "the number of metrics"
    lines.append(f"Holm: p corrected for {counted}, primary metrics separately")
    lines += ["  of other metrics, p over seeds"] if tests else []
    if any(any(one.spreads) for one in found):
        lines.append("±: sample standard deviation over seeds")
    if any(one.significant for one in found):
        over = "seeds" if tests else "images"
        lines.append(f"* significant: Holm's p over {over} < {SIGNIFICANCE_LEVEL}")
    return lines


def note_lines(comparison: Comparison, images: int, runs: tuple[int, int]) -> list[str]:
    """Why values have no interval or no p; ``runs`` are the numbers of runs of the baseline and the other setting."""
    comparable = {name: one for name, one in comparison.metrics.items() if one.comparable}
    notes = [*_reasons_over_images(comparable, images), *_reasons_over_seeds(comparable, comparison, runs)]
    tested = [one for one in comparable.values() if one.interval is not None]
    if tested and all(one.verdict == "same" for one in tested):
        which = "" if len(comparable) == len(comparison.metrics) else "comparable "
        notes.append(f"no difference: every {which}value is the same in every resample")
    return notes


def _infos(differences: Differences) -> list[MetricInfo]:
    return [shown_info(differences[info.name], info) for info in metric_infos(differences)]


def _rows(differences: Differences, over_seeds: bool) -> list[str]:
    infos = _infos(differences)
    return [line for info in infos for line in _rows_of(differences[info.name], info, over_seeds)]


def _rows_of(one: MetricDifference, info: MetricInfo, over_seeds: bool) -> list[str]:
    tests = (
        interval_text(one, info),
        p_text(one.p_images),
        p_text(one.p_images_holm),
        "" if over_seeds else _mark(one),
    )
    rows = _named(ROW, info.name, *_values(one, info), signed_text(one.difference, info), *tests)
    return [*rows, *_mcnemar_row(one), *_seeds_row(one, info, over_seeds)]


def _compact_rows(differences: Differences, over_seeds: bool) -> list[str]:
    rows = []
    for info in _infos(differences):
        one = differences[info.name]
        p = p_text(one.decisive_p(over_seeds))
        rows += _named(COMPACT_ROW, info.name, *_values(one, info), signed_text(one.difference, info), p, _mark(one))
    return rows


def _value_rows(differences: Differences) -> list[str]:
    infos = _infos(differences)
    cells = {info.name: (*_values(differences[info.name], info), "", "", "") for info in infos}
    return [line for name, row in cells.items() for line in _named(COMPACT_ROW, name, *row)]


def _named(row: str, name: str, *cells: str) -> list[str]:
    fits = len(name) <= NAME_WIDTHS[row]
    return [*([] if fits else [name]), row.format(name if fits else "", *cells).rstrip()]


def _values(one: MetricDifference, info: MetricInfo) -> tuple[str, str]:
    return info.formatted(one.first), info.formatted(one.second)


def _mcnemar_row(one: MetricDifference) -> list[str]:
    if one.p_mcnemar is None or one.p_images is None or not _disagree(one.p_images, one.p_mcnemar):
        return []
    return [ROW.format("  McNemar", "", "", "", "", p_text(one.p_mcnemar), "", "").rstrip()]


def _seeds_row(one: MetricDifference, info: MetricInfo, over_seeds: bool) -> list[str]:
    if not over_seeds and not any(one.spreads):
        return []
    spreads = [f"±{spread:.{info.decimals}f}" if over_seeds or spread else "" for spread in one.spreads]
    tests = (p_text(one.p_seeds), p_text(one.p_seeds_holm), _mark(one)) if over_seeds else ("", "", "")
    return [ROW.format("  over seeds", *spreads, "", "", *tests).rstrip()]


def _mark(one: MetricDifference) -> str:
    return "*" if one.significant else ""


def _disagree(p: float, other: float) -> bool:
    """Whether two tests differ by more than a factor of two, or in what is significant, and not only below 0.001."""
    significant = p < SIGNIFICANCE_LEVEL, other < SIGNIFICANCE_LEVEL
    return p_text(p) != p_text(other) and (max(p, other) > 2 * min(p, other) or significant[0] != significant[1])


def _reasons_over_images(differences: Differences, images: int) -> list[str]:
    """Why values have no interval or no p over images."""
    untested = [name for name, one in differences.items() if one.interval is None]
    start = "no interval and no p over images, because resampling images gives no valid ones:"
    few = f"no p over images: with {images}, nothing can be significant; at least {MIN_IMAGES} are needed"
    is_few = any(one.interval and one.p_images is None for one in differences.values())
    return [*named_lines(start, untested), *([few] if is_few else [])]


def _reasons_over_seeds(differences: Differences, comparison: Comparison, runs: tuple[int, int]) -> list[str]:
    """Why values have no p over seeds although a setting has several."""
    test = comparison.seed_test
    if test is None:
        single = comparison.first if runs[0] == 1 else comparison.second
        return [f"no p over seeds: {single} has one run"] if max(runs) > 1 else []
    reason = "the difference is" if test.startswith("paired") else "the values are"
    without = [name for name, one in differences.items() if one.p_seeds is None]
    return named_lines(f"no p over seeds, because {reason} the same for all seeds:", without)
