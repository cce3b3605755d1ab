"""The differences between two settings as a table that fits a terminal."""

from collections.abc import Sequence
from textwrap import wrap

from clcap_cli.evaluation.comparison import SIGNIFICANCE_LEVEL, Difference
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.metrics.permutation_test import MIN_IMAGES
from clcap_cli.metrics.seed_test import SeedTest
from clcap_cli.reporting.metric_groups import metric_infos

NAME_WIDTH = 22
"""Width of the column of names; a longer name has a line of its own."""
ROW = f"{{:<{NAME_WIDTH}}} {{:>6}} {{:>6}} {{:>7}}  {{:<16}} {{:>6}} {{:>6}} {{}}"
HEADER = ("", "first", "second", "change", "95% interval", "p", "Holm", "")
PRIMARY = "primary metrics, chosen beforehand"
OTHER = "other metrics"
NOT_COMPARABLE = "not comparable, see below"
LINE_WIDTH = 80


def comparison_lines(
    differences: Sequence[Difference], images: int, runs: tuple[int, int], test: SeedTest | None
) -> list[str]:
    """The table, the primary metrics first, with a mark where the difference is significant, and notes on p.

    ``images`` is the number of images, and ``runs`` the number of runs of each setting.
    """
    comparable = [one for one in differences if one.comparable]
    sections = {
        PRIMARY: [one for one in comparable if one.primary],
        OTHER: [one for one in comparable if not one.primary],
        NOT_COMPARABLE: [one for one in differences if not one.comparable],
    }
    lines = [line for heading, found in sections.items() if found for line in (heading, *_rows(found))]
    return [_row(*HEADER), *lines, *_questions(comparable, test), *_notes(differences, images, runs, test)]


def named_lines(start: str, names: Sequence[str]) -> list[str]:
    """The names after ``start``, in lines that fit a terminal; empty without names."""
    return wrap(f"{start} {', '.join(names)}", LINE_WIDTH, subsequent_indent="  ") if names else []


def _rows(differences: Sequence[Difference]) -> list[str]:
    infos = metric_infos(one.name for one in differences)
    return [line for one, info in zip(differences, infos, strict=True) for line in _rows_of(one, info)]


def _rows_of(one: Difference, info: MetricInfo) -> list[str]:
    values = info.formatted(one.first), info.formatted(one.second)
    fits = len(one.name) <= NAME_WIDTH
    cells = (*values, *(_tests(one, info) if one.comparable else ()))
    rows = [*([] if fits else [one.name]), _row(one.name if fits else "", *cells)]
    return [*rows, *_mcnemar_row(one), *_seeds_row(one, info)]


def _tests(one: Difference, info: MetricInfo) -> tuple[str, ...]:
    """The cells of the difference, its interval and its p-values over images."""
    interval = f"[{', '.join(_signed(end, info) for end in one.interval)}]" if one.interval else "-"
    mark = _mark(one, not one.over_seeds)
    return _signed(one.difference, info), interval, _p(one.p_images), _p(one.p_images_holm), mark


def _mcnemar_row(one: Difference) -> list[str]:
    if one.p_mcnemar is None or one.p_images is None or not _disagree(one.p_images, one.p_mcnemar):
        return []
    return [_row("  exact McNemar test", "", "", "", "", _p(one.p_mcnemar))]


def _seeds_row(one: Difference, info: MetricInfo) -> list[str]:
    if not one.over_seeds and not any(one.spreads):
        return []
    spreads = [f"±{spread:.{info.decimals}f}" if one.over_seeds or spread else "" for spread in one.spreads]
    tests = (_p(one.p_seeds), _p(one.p_seeds_holm), _mark(one, True)) if one.over_seeds else ()
    return [_row("  over seeds", *spreads, "", "", *tests)]


def _row(*cells: str) -> str:
    return ROW.format(*cells, *[""] * (len(HEADER) - len(cells))).rstrip()


def _mark(one: Difference, decisive: bool) -> str:
    """The mark of the row of the decisive test."""
    return "*" if decisive and one.significant else ""


def _disagree(p: float, other: float) -> bool:
    """Whether two tests differ by more than a factor of two, or in what is significant, and not only below 0.001."""
    significant = p < SIGNIFICANCE_LEVEL, other < SIGNIFICANCE_LEVEL
    return _p(p) != _p(other) and (max(p, other) > 2 * min(p, other) or significant[0] != significant[1])


def _signed(value: float, info: MetricInfo) -> str:
    return f"{value:+.{info.decimals}f}"


def _p(p: float | None) -> str:
    if p is None:
        return "-"
    return f"{p:.3f}" if p >= 0.001 else "<0.001"


def _questions(differences: Sequence[Difference], test: SeedTest | None) -> list[str]:
    """What the p-values of the table answer."""
    if all(one.p_images is None and one.p_seeds is None for one in differences):
        return []
    lines = ["p over images: would the difference hold on other images, with these models?"]
    if test is None:
        lines.append("It is about these models, not about the method: give several seeds of both.")
    else:
        lines += ["p over seeds: would the difference hold with other seeds, on these images?", f"  {test.name}"]
    return [*lines, "Holm: p corrected for the number of metrics, primary and other ones separately"]


def _notes(differences: Sequence[Difference], images: int, runs: tuple[int, int], test: SeedTest | None) -> list[str]:
    """What the stars mean, and why values have no p."""
    notes = []
    if any(one.significant for one in differences):
        over = "seeds" if any(one.over_seeds for one in differences) else "images"
        notes.append(f"* significant: Holm's p over {over} < {SIGNIFICANCE_LEVEL}")
    comparable = [one for one in differences if one.comparable]
    notes += _reasons_over_images(comparable, images)
    notes += _reasons_over_seeds(comparable, runs, test)
    tested = [one for one in comparable if one.interval is not None]
    if tested and all(one.verdict == "same" for one in tested):
        which = "" if len(comparable) == len(differences) else "comparable "
        notes.append(f"no difference: every {which}value is the same in every resample")
    return notes


def _reasons_over_images(differences: Sequence[Difference], images: int) -> list[str]:
    """Why values have no interval or no p over images."""
    untested = [one.name for one in differences if one.interval is None]
    start = "no interval and no p over images, because resampling images gives no valid ones:"
    few = f"no p over images: with {images}, nothing can be significant; at least {MIN_IMAGES} are needed"
    is_few = any(one.interval and one.p_images is None for one in differences)
    return [*named_lines(start, untested), *([few] if is_few else [])]


def _reasons_over_seeds(differences: Sequence[Difference], runs: tuple[int, int], test: SeedTest | None) -> list[str]:
    """Why values have no p over seeds although a setting has several."""
    if test is None:
        single = "first" if runs[0] == 1 else "second"
        return [f"no p over seeds: the {single} setting has one run"] if max(runs) > 1 else []
    reason = "the difference is the same for all seeds" if test.paired else "the values are the same for all seeds"
    without = [one.name for one in differences if one.over_seeds and one.p_seeds is None]
    return named_lines(f"no p over seeds, because {reason}:", without)
