"""Recall over all k, and how training went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from clcap_cli.reporting.curves import recall_curve, some_k
from clcap_cli.reporting.plot_style import COLOURS, DASHES, INK, STYLE, Plot, add_legend, new_axes
from clcap_cli.reporting.runs import Run


def all_plots(runs: Sequence[Run]) -> list[Plot]:
    """Every plot with data: recall, then the validation curves of all runs, then each run's training curves."""
    with matplotlib.rc_context(STYLE):
        styles = style_of(runs)
        ranked = [run for run in runs if run.pool]
        plots = [_recall(ranked, styles)] if ranked else []
        plots += [plot for key, unit in VALIDATION.items() if (plot := _validation(runs, key, unit, styles))]
        for run in runs:
            plots += _training(run)
    return plots


def style_of(runs: Sequence[Run]) -> dict[str, tuple[str, str]]:
    """Colour and dashes of every run's line, by name."""
    return {run.name: (COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]) for number, run in enumerate(runs)}


def _recall(runs: Sequence[Run], styles: Mapping[str, tuple[str, str]]) -> Plot:
    """R@k over every k, beside what chance gives."""
    figure, axes = new_axes("k: images looked at (log scale)", "R@k")
    curves = [(run.name, recall_curve(run)) for run in runs]
    for name, curve in curves:
        colour, dashes = styles[name]
        axes.plot(np.arange(1, len(curve) + 1), curve, color=colour, linestyle=dashes)
    pools = sorted({run.pool for run in runs})
    alone = len(pools) == 1
    chances = [("chance" if alone else f"chance among {pool}", np.arange(1, pool + 1) / pool) for pool in pools]
    for _, chance in chances:
        axes.plot(np.arange(1, len(chance) + 1), chance, color=INK, alpha=0.55, linewidth=1.2, linestyle=(0, (1, 1.5)))
    _log_scale(axes, max(pools))
    lines = [*curves, *chances]
    names = [name for name, _ in lines]
    add_legend(figure, names, "upper left")
    ks = some_k(max(pools))
    rows: list[list[float | None]] = [
        [k, *(float(curve[k - 1]) if k <= len(curve) else None for _, curve in lines)] for k in ks
    ]
    summary = "; ".join(
        f"{name} {', '.join(f'R@{k} {line[k - 1]:.3f}' for k in ks if k <= min(100, len(line)))}"
        for name, line in lines
    )
    return Plot("recall", "Recall at every k", f"R@k over k: {summary}.", ["k", *names], rows, figure)


def _log_scale(axes: Axes, pool: int) -> None:
    """k from 1 to ``pool``, with plain numbers."""
    axes.set_xscale("log")
    axes.set_xlim(1, max(2, pool))
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if pool > 100 else (1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda k, _: f"{k:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())


@dataclass(frozen=True)
class _Line:
    """One figure of a training log."""

    label: str
    key: str
    colour: str
    dashes: str


@dataclass(frozen=True)
class _Curve:
    """What was logged under one name, by epoch; it may be nothing."""

    label: str
    values: dict[float, float]
    colour: str
    dashes: str

    @property
    def description(self) -> str:
        values = list(self.values.values())
        return f"{self.label} from {values[0]:.3f} to {values[-1]:.3f}"


LOSS = (
    _Line("training", "loss", COLOURS[0], "-"),
    _Line("validation", "val_loss", COLOURS[1], "--"),
)
CONTRAST = (
    _Line("matched, training", "log_ratio_matched", COLOURS[0], ":"),
    _Line("matched, validation", "val_log_ratio_matched", COLOURS[0], "-"),
    _Line("mismatched, training", "log_ratio_mismatched", COLOURS[1], ":"),
    _Line("mismatched, validation", "val_log_ratio_mismatched", COLOURS[1], "-"),
)


VALIDATION = {
    "val_CIDEr": "CIDEr of greedy captions",
    "val_mean_rank": "mean rank of greedy captions",
}
"""What is drawn of several runs together, by its name in their logs."""


def _validation(runs: Sequence[Run], key: str, unit: str, styles: Mapping[str, tuple[str, str]]) -> Plot | None:
    """A figure of the validation split over the epochs of all runs that logged it; None where none did."""
    curves = [_Curve(run.name, _logged(run, key), *styles[run.name]) for run in runs]
    return _by_epoch(f"validation.{key.removeprefix('val_')}", f"Validation: {unit}", unit, curves)


def _training(run: Run) -> list[Plot]:
    """The loss of every epoch and, where it was logged, mean G of matched and of mismatched captions."""
    contrast = "G = ln p(target) - ln p(reference)"
    plots = [_epochs(run, "loss", "loss", LOSS), _epochs(run, "G", contrast, CONTRAST)]
    return [plot for plot in plots if plot]


def _epochs(run: Run, what: str, unit: str, lines: Sequence[_Line]) -> Plot | None:
    """Some figures of a training log over its epochs; None where none was logged."""
    curves = [_Curve(line.label, _logged(run, line.key), line.colour, line.dashes) for line in lines]
    return _by_epoch(f"{run.name}.{what}", f"{run.name}: {what}", unit, curves)


def _logged(run: Run, key: str) -> dict[float, float]:
    return {epoch["epoch"]: epoch[key] for epoch in run.log if key in epoch}


def _by_epoch(name: str, title: str, unit: str, curves: Sequence[_Curve]) -> Plot | None:
    """The curves that have values; None where none has."""
    curves = [curve for curve in curves if curve.values]
    if not curves:
        return None
    figure, axes = new_axes("epoch", unit)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for curve in curves:
        points = [*curve.values], [*curve.values.values()]
        axes.plot(*points, color=curve.colour, linestyle=curve.dashes, marker="o", markersize=3.5)
    labels = [curve.label for curve in curves]
    add_legend(figure, labels, "best")
    epochs = sorted({epoch for curve in curves for epoch in curve.values})
    rows = [[epoch, *(curve.values.get(epoch) for curve in curves)] for epoch in epochs]
    description = f"{title} by epoch: {'; '.join(curve.description for curve in curves)}."
    return Plot(name, title, description, ["epoch", *labels], rows, figure)
