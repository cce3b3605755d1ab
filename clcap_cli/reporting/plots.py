"""Plots of recall at every k and of training logs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from clcap_cli.evaluation.runs import Run
from clcap_cli.reporting.curves import recall_curve, round_ks
from clcap_cli.reporting.plot_style import COLOURS, DASHES, INK, STYLE, Plot, add_legend, new_axes


def all_plots(runs: Sequence[Run]) -> list[Plot]:
    """All plots that have data: recall, validation curves of all runs, then training curves of each run."""
    with matplotlib.rc_context(STYLE):
        styles = line_styles(runs)
        ranked = [run for run in runs if run.pool]
        plots = [_recall_plot(ranked, styles)] if ranked else []
        plots += [plot for key, unit in VALIDATION.items() if (plot := _validation_plot(runs, key, unit, styles))]
        for run in runs:
            plots += _training_plots(run)
    return plots


def line_styles(runs: Sequence[Run]) -> dict[str, tuple[str, str]]:
    """Colour and dash pattern of each run's line, by name."""
    return {run.name: (COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]) for number, run in enumerate(runs)}


def _recall_plot(runs: Sequence[Run], styles: Mapping[str, tuple[str, str]]) -> Plot:
    """R@k as a function of k, with the values of chance."""
    figure, axes = new_axes("k (log scale)", "R@k")
    curves = [(run.name, recall_curve(run)) for run in runs]
    for name, curve in curves:
        colour, dashes = styles[name]
        axes.plot(np.arange(1, len(curve) + 1), curve, color=colour, linestyle=dashes)
    pools = sorted({run.pool for run in runs})
    single_pool = len(pools) == 1
    chances = [("chance" if single_pool else f"chance among {pool}", np.arange(1, pool + 1) / pool) for pool in pools]
    for _, chance in chances:
        axes.plot(np.arange(1, len(chance) + 1), chance, color=INK, alpha=0.55, linewidth=1.2, linestyle=(0, (1, 1.5)))
    _log_scale(axes, max(pools))
    lines = [*curves, *chances]
    names = [name for name, _ in lines]
    add_legend(figure, names, "upper left")
    sampled_ks = round_ks(max(pools))
    rows: list[list[float | None]] = [
        [k, *(float(curve[k - 1]) if k <= len(curve) else None for _, curve in lines)] for k in sampled_ks
    ]
    summary = "; ".join(
        f"{name} {', '.join(f'R@{k} {line[k - 1]:.3f}' for k in sampled_ks if k <= min(100, len(line)))}"
        for name, line in lines
    )
    return Plot("recall", "Recall at every k", f"R@k over k: {summary}.", ["k", *names], rows, figure)


def _log_scale(axes: Axes, pool: int) -> None:
    """Set a logarithmic k axis from 1 to ``pool`` with plain numbers."""
    axes.set_xscale("log")
    axes.set_xlim(1, max(2, pool))
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if pool > 100 else (1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda k, _: f"{k:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())


@dataclass(frozen=True)
class _Line:
    """A value of a training log and its line style."""

    label: str
    key: str
    colour: str
    dashes: str


@dataclass(frozen=True)
class _Curve:
    """The logged values of one name by epoch, possibly none, and their line style."""

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
"""Axis labels of the validation values that are plotted for all runs together, by name in the log."""


def _validation_plot(runs: Sequence[Run], key: str, unit: str, styles: Mapping[str, tuple[str, str]]) -> Plot | None:
    """A validation value over the epochs of all runs that logged it; None if no run did."""
    curves = [_Curve(run.name, _values_by_epoch(run, key), *styles[run.name]) for run in runs]
    return _epoch_plot(f"validation.{key.removeprefix('val_')}", f"Validation: {unit}", unit, curves)


def _training_plots(run: Run) -> list[Plot]:
    """The loss of each epoch and, if logged, mean G of matched and of mismatched captions."""
    contrast = "G = ln p(target) - ln p(reference)"
    plots = [_log_plot(run, "loss", "loss", LOSS), _log_plot(run, "G", contrast, CONTRAST)]
    return [plot for plot in plots if plot]


def _log_plot(run: Run, name: str, unit: str, lines: Sequence[_Line]) -> Plot | None:
    """Values of a training log over its epochs; None if none of them was logged."""
    curves = [_Curve(line.label, _values_by_epoch(run, line.key), line.colour, line.dashes) for line in lines]
    return _epoch_plot(f"{run.name}.{name}", f"{run.name}: {name}", unit, curves)


def _values_by_epoch(run: Run, key: str) -> dict[float, float]:
    return {epoch["epoch"]: epoch[key] for epoch in run.log if key in epoch}


def _epoch_plot(name: str, title: str, unit: str, curves: Sequence[_Curve]) -> Plot | None:
    """A plot of the curves that have values; None if no curve has any."""
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
