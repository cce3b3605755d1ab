"""Report of a training run: for each validation, a row on the screen and a line of JSON in the log."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from clcap_cli.artifacts.atomic import write_text
from clcap_cli.console import print_info, print_warning
from clcap_cli.tracking.tracking import untracked
from clcap_cli.training.collapse import warnings_of
from clcap_cli.training.schedule import learning_rate, total_steps_of
from clcap_cli.training.state import TrainState

MARK, TIME_LEFT = "best", "time left"


@dataclass(frozen=True)
class Column:
    """A column of the rows on the screen."""

    title: str
    metric: str
    """Name in the log."""
    digits: int
    """Decimal places."""
    width: int

    def cell(self, record: Mapping[str, float]) -> str:
        """The value of a validation, or nothing where it has none."""
        value = record.get(self.metric)
        return f"{'' if value is None else f'{value:.{self.digits}f}':>{self.width}}"


COLUMNS = (
    Column("loss", "loss", 4, 8),
    Column("val loss", "val_loss", 4, 8),
    Column("R@1", "val_R@1", 3, 6),
    Column("mean rank", "val_mean_rank", 2, 9),
    Column("CIDEr", "val_CIDEr", 3, 6),
)
"""All other metrics are in the log alone."""


def write_log(path: Path, state: TrainState) -> None:
    """Write the log of a training, with one line of JSON for each validation."""
    write_text(path, "".join(json.dumps(record) + "\n" for record in state.progress.log))


class TrainingReport:
    """The rows on the screen of one training."""

    def __init__(self, state: TrainState, track: Callable[[], None] = untracked):
        """The clock of the time left starts now; warnings of an earlier part of the training are not repeated.

        ``track`` is called when a validation is in the log.
        """
        self.state, self.track = state, track
        self.columns: list[Column] = []
        log = state.progress.log
        self.warned = {name for end in range(1, len(log) + 1) for name in warnings_of(log[:end])}
        self.start_clock()

    def start_clock(self) -> None:
        """Measure the time of the steps from here on."""
        self.started, self.first_step = time.monotonic(), self.state.progress.step

    def add(self, metrics: Mapping[str, float], best: bool) -> None:
        """Note a validation of the model as it is; ``best`` marks the best one so far."""
        progress = self.state.progress
        rate = {"lr": self._last_rate()} if progress.step else {}
        seconds = {"seconds": round(self.state.meter.seconds, 2)}
        record = {"epoch": progress.fractional_epoch, "step": progress.step, **metrics, **rate, **seconds}
        progress.log.append(record)
        if not self.columns:
            self._print_header(record)
        self._print_row(record, best)
        self._warn()
        self.track()

    def _last_rate(self) -> float:
        """The learning rate of the last step, which a resumed run may not have made itself."""
        progress = self.state.progress
        return learning_rate(self.state.settings, progress.step - 1, progress.batches_per_epoch)

    def _print_header(self, record: Mapping[str, float]) -> None:
        criterion, settings = self.state.criterion, self.state.settings
        epochs = f"{settings.epochs} epoch{'s' if settings.epochs > 1 else ''}"
        steps = f" and {settings.max_steps} steps" if settings.max_steps else ""
        stops = f"stops after {settings.patience} validations without a {criterion.wanted}"
        print_info(f"at most {epochs}{steps}; {stops}")
        self.columns = [one for one in COLUMNS if one.metric == "loss" or one.metric in record]
        titles = (f"{one.title:>{one.width}}" for one in self.columns)
        print_info("  ".join([f"{self._place_title:>{self._place_width}}", *titles, f"{'':<{len(MARK)}}", TIME_LEFT]))

    def _print_row(self, record: Mapping[str, float], best: bool) -> None:
        cells = (one.cell(record) for one in self.columns)
        mark = f"{MARK if best else '':<{len(MARK)}}"
        left = f"{self._time_left():>{len(TIME_LEFT)}}"
        print_info("  ".join([f"{self._place(record):>{self._place_width}}", *cells, mark, left]).rstrip())

    @property
    def _place_title(self) -> str:
        return "step" if self.state.settings.eval_every else "epoch"

    @property
    def _place_width(self) -> int:
        return max(7, 1 + 2 * len(str(self.state.settings.epochs)))

    def _place(self, record: Mapping[str, float]) -> str:
        if self.state.settings.eval_every:
            return str(record["step"])
        return f"{record['epoch']:.4g}/{self.state.settings.epochs}"

    def _time_left(self) -> str:
        """For all steps that may follow, at the pace of those so far; nothing where there are none of either."""
        progress = self.state.progress
        done = progress.step - self.first_step
        if not done or self.state.is_finished:
            return ""
        left = total_steps_of(self.state.settings, progress.batches_per_epoch) - progress.step
        return str(timedelta(seconds=round((time.monotonic() - self.started) / done * left)))

    def _warn(self) -> None:
        """Print the warnings that were not printed before."""
        for name, message in warnings_of(self.state.progress.log, self.state.is_finished).items():
            if name not in self.warned:
                self.warned.add(name)
                print_warning(message)
