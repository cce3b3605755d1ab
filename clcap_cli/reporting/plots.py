"""The plots of a report: recall at every k, and the values of training logs."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from clcap_cli.evaluation.runs import Run
from clcap_cli.reporting.curves import curve_ks, recall_curve, round_ks
from clcap_cli.reporting.kept_epoch import kept_epoch
from clcap_cli.reporting.plot import Dashes, LineStyle, Plot, Series

COLOURS = (
    "#2479BD", "#D55E00", "#009E73", "#C06A99", "#8A7A00", "#7A7A7A", "#6A45E6", "#8F5A2E", "#D81BB0", "#0B93B0",
)  # fmt: skip
"""Colours with a contrast of 3 on white and on near-black; the first four, close to Okabe and Ito's, differ for
colour-blind readers, and dashes tell the others apart."""
DASHES: tuple[Dashes, ...] = ("-", "--", "-.", ":")
LEAST_SPAN = 0.02
"""Smallest range of a y axis over epochs, as a share of its largest value."""
CHANCE = LineStyle("", ":")
VALIDATION = {
    "val_CIDEr": "CIDEr of greedy captions",
    "val_mean_rank": "mean rank of greedy captions",
}
"""Axis labels of the validation values that are plotted for all runs together, by name in the log."""
LOSS: dict[str, Callable[[str], LineStyle]] = {
    "loss": lambda colour: LineStyle(colour, ":", "filled"),
    "val_loss": lambda colour: LineStyle(colour, "-", "filled"),
}
CONTRAST: dict[str, Callable[[str], LineStyle]] = {
    "log_ratio_matched": lambda colour: LineStyle(colour, ":", "filled"),
    "val_log_ratio_matched": lambda colour: LineStyle(colour, "-", "filled"),
    "log_ratio_mismatched": lambda colour: LineStyle(colour, ":", "hollow"),
    "val_log_ratio_mismatched": lambda colour: LineStyle(colour, "-", "hollow"),
}
"""Values of a training log and their styles: dots for training, filled marks for matched captions."""
LABELS = {
    "loss": "training",
    "val_loss": "validation",
    "log_ratio_matched": "matched, training",
    "val_log_ratio_matched": "matched, validation",
    "log_ratio_mismatched": "mismatched, training",
    "val_log_ratio_mismatched": "mismatched, validation",
}


def all_plots(runs: Sequence[Run]) -> list[Plot]:
    """All plots that have data: recall, validation curves of all runs, then training curves of each run."""
    styles = line_styles(runs)
    kept = {run.name: kept_epoch(run) for run in runs}
    ranked = [run for run in runs if run.pool]
    recall = [_recall_plot(ranked, styles)] if ranked else []
    validation = [_validation_plot(runs, key, styles, kept) for key in VALIDATION]
    training = chain.from_iterable(_training_plots(run, styles[run.name].colour, kept[run.name]) for run in runs)
    return [plot for plot in (*recall, *validation, *training) if plot is not None]


def line_styles(runs: Sequence[Run]) -> dict[str, LineStyle]:
    """Colour and dash pattern of each run's line, by name."""
    return {
        run.name: LineStyle(COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)])
        for number, run in enumerate(runs)
    }


def _recall_plot(runs: Sequence[Run], styles: Mapping[str, LineStyle]) -> Plot:
    """R@k as a function of k, with the values of chance."""
    series = [Series(run.name, recall_curve(run), styles[run.name]) for run in runs]
    pools = sorted({run.pool for run in runs})
    for pool in pools:
        name = "chance" if len(pools) == 1 else f"chance among {pool}"
        series.append(Series(name, {k: k / pool for k in curve_ks(pool)}, CHANCE))
    ks = round_ks(max(pools))
    summary = "; ".join(
        f"{one.label} {', '.join(f'R@{k} {one.values[k]:.3f}' for k in ks if k <= 100 and k in one.values)}"
        for one in series
    )
    description = f"R@k over k: {summary}."
    return Plot("recall", "Recall at every k", description, "k", "R@k", series, ks, (0, 1), is_log=True)


def _validation_plot(
    runs: Sequence[Run], key: str, styles: Mapping[str, LineStyle], kept: Mapping[str, float | None]
) -> Plot | None:
    """A validation value over the epochs of all runs that logged it; None if no run did."""
    series = [
        Series(run.name, _values_by_epoch(run, key), _with_marks(styles[run.name]), kept[run.name]) for run in runs
    ]
    unit = VALIDATION[key]
    return _epoch_plot(f"validation.{key.removeprefix('val_')}", f"Validation: {unit}", unit, series)


def _with_marks(style: LineStyle) -> LineStyle:
    return LineStyle(style.colour, style.dashes, "filled")


def _training_plots(run: Run, colour: str, kept: float | None) -> list[Plot | None]:
    """The loss of each epoch, and mean G of matched and of mismatched captions; None for what was not logged."""
    loss, contrast = (
        [Series(LABELS[key], _values_by_epoch(run, key), style(colour), kept) for key, style in lines.items()]
        for lines in (LOSS, CONTRAST)
    )
    return [
        _epoch_plot(f"{run.name}.loss", f"{run.name}: loss", "loss", loss),
        _epoch_plot(f"{run.name}.G", f"{run.name}: G", "G = ln p(target) - ln p(reference)", contrast),
    ]


def _values_by_epoch(run: Run, key: str) -> dict[float, float]:
    return {epoch["epoch"]: epoch[key] for epoch in run.log if key in epoch}


def _epoch_plot(name: str, title: str, unit: str, series: Sequence[Series]) -> Plot | None:
    """A plot of the series that have values; None if none has any."""
    series = [one for one in series if one.values]
    if not series:
        return None
    epochs = sorted(set(chain.from_iterable(one.values for one in series)))
    description = f"{title} by epoch: {'; '.join(map(_described, series))}."
    return Plot(name, title, description, "epoch", unit, series, epochs, epoch_range(series))


def _described(series: Series) -> str:
    values = list(series.values.values())
    kept = f", kept epoch {series.kept[0]:g} with {series.kept[1]:.3f}" if series.kept else ""
    return f"{series.label} from {values[0]:.3f} to {values[-1]:.3f}{kept}"


def epoch_range(series: Sequence[Series]) -> tuple[float, float]:
    """The ends of the y axis: all values, but not those before training that would squash the others.

    A value of epoch 0 is left out if its distance from the values of later epochs is larger than their range and than
    the largest of them, as the loss of a model that is not trained. The axis covers at least ``LEAST_SPAN`` of the
    largest value, so that it does not magnify noise.
    """
    initial = [y for one in series for x, y in one.values.items() if x == 0]
    later = [y for one in series for x, y in one.values.items() if x > 0] or initial
    low, high = min(later), max(later)
    reach = max(high - low, abs(low), abs(high))
    near = [y for y in initial if low - reach <= y <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    missing = max(0.0, LEAST_SPAN * max(abs(low), abs(high)) - (high - low))
    return low - missing / 2, high + missing / 2
