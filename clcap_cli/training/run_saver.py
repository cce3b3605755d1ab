"""Saves a training run while it trains, and ends it when a signal asks for it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from clcap_cli.artifacts.atomic import all_or_nothing
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.compute.collectives import in_any, wait_for_all
from clcap_cli.compute.divided_model import is_divided, whole_on_cpu_of_first
from clcap_cli.compute.processes import is_first, processes
from clcap_cli.compute.stop_signals import FINISHING, StopRequestedError, StopSignals
from clcap_cli.console import print_always, print_warning
from clcap_cli.continuing import continuing_command
from clcap_cli.errors import ClcapError
from clcap_cli.interruption import INTERRUPTION
from clcap_cli.training.loop import Observer
from clcap_cli.training.run_files import best_path, state_path
from clcap_cli.training.run_settings import SaveInterval
from clcap_cli.training.state import TrainState

WriteCheckpoint = Callable[[Path, dict[str, Any]], None]
"""Writes the model as it is to a path, with the record of its training."""


class RunSaver(Observer):
    """Saves the state at intervals and when a signal arrives, and the best checkpoint at each improvement."""

    def __init__(
        self,
        out: Path,
        origin: Origin,
        interval: SaveInterval,
        state: TrainState,
        write: WriteCheckpoint,
        signals: StopSignals,
    ):
        """``out`` is the checkpoint that the run will write."""
        self.out = out
        self.best, self.path, self.origin, self.interval = best_path(out), state_path(out), origin, interval
        self.state, self.write, self.signals = state, write, signals
        self.continue_with = continuing_command(origin.stage)
        self.failing: set[Path] = set()
        """Files that could not be written at the last attempt, of which a warning was printed."""
        signals.doing = self._doing
        INTERRUPTION.kept = self.kept_state
        self._restart_interval()

    @property
    def kept_state(self) -> str:
        """That a state is on disk and how to continue it, in words that follow a message; empty if there is none."""
        if not self.path.exists():
            return ""
        return f"; the state saved in {self.path} is kept; continue with: {self.continue_with}"

    def after_step(self) -> None:
        """Stop if a signal has arrived; otherwise save the state if the interval is over."""
        if in_any(self.signals.received is not None):
            self._stop()
        if self._is_due():
            self._save_or_warn()

    @contextmanager
    def validation(self) -> Iterator[None]:
        """End the validation at once if a signal arrives; the resumed run repeats it.

        Several processes stop only after a step.
        """
        if processes().count > 1:  # the others would wait for this one
            yield
            return
        try:
            with self.signals.raising():
                yield
        except StopRequestedError:
            self._stop()

    def after_validation(self, is_best: bool) -> None:
        """Write the checkpoint if it is the best so far."""
        if not is_best:
            return
        with whole_on_cpu_of_first(self.state.task.model):
            if is_first():
                self._write_best()

    @contextmanager
    def naming_the_state(self) -> Iterator[None]:
        """Let errors in the block, which writes the finished files, say how to continue from the last saved state."""
        try:
            yield
        except ClcapError as error:
            raise ClcapError(f"{error}{self.kept_state}") from error

    def _is_due(self) -> bool:
        """Whether to save the state now; the processes of a divided model, which save together, ask the first one."""
        steps, seconds = self.state.progress.step - self.saved_step, time.monotonic() - self.saved_at
        is_due = self.interval.has_passed(steps, seconds)
        return in_any(is_due and is_first()) if is_divided(self.state.task.model) else is_due

    def _write_best(self) -> None:
        try:
            with all_or_nothing():
                self.write(self.best, {**self.state.record(), "finished": False})
            self.failing.discard(self.best)
        except ClcapError as error:
            self._warn(self.best, f"{error}; training continues")

    def _save_or_warn(self) -> None:
        try:
            self._save()
        except ClcapError as error:
            self._warn(self.path, f"{error}; training continues, and the next attempt is made after --save-every")
            self._restart_interval()

    def _warn(self, path: Path, message: str) -> None:
        """Print a warning, unless the last attempt to write ``path`` has failed too."""
        if path not in self.failing:
            print_warning(message)
        self.failing.add(path)

    def _doing(self) -> str:
        """What a signal waits for, in words."""
        has_ended = self.state.is_finished and not self.state.validation_is_missing
        return f"training has ended; writing {self.out}" if has_ended else FINISHING

    def _save(self) -> None:
        self.state.save(self.path, self.origin, self.continue_with)
        self.failing.discard(self.path)
        INTERRUPTION.kept = self.kept_state
        self._restart_interval()

    def _restart_interval(self) -> None:
        self.saved_step, self.saved_at = self.state.progress.step, time.monotonic()

    def _stop(self) -> NoReturn:
        """Save the state, print the command that continues the run, and do what the signal did before."""
        progress = self.state.progress
        if progress.step:
            print_always(
                f"interrupted at {progress.place}, {self._saved_or_not()}; continue with: {self.continue_with}"
            )
            INTERRUPTION.is_reported = True
        wait_for_all()  # torchrun ends all when the first of them ends
        self.signals.obey()

    def _saved_or_not(self) -> str:
        """Save the state; returns what happened, in words."""
        try:
            self._save()
        except ClcapError as error:
            return f"but {error}; {self._earlier_state()}"
        return f"saved in {self.path}"

    def _earlier_state(self) -> str:
        return f"the state saved in {self.path} before is kept" if self.path.exists() else "no state was saved before"
