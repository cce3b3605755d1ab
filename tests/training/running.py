"""Training without files, to the end or to a step."""

from pathlib import Path
from typing import Any

from clcap_cli.training import loop
from clcap_cli.training.report import write_log
from clcap_cli.training.settings import Optimisation
from clcap_cli.training.state import TrainState
from clcap_cli.training.task import Task


class Killed(BaseException):
    """Ends a training like a kill."""


class KillAfter(loop.Observer):
    """Ends a training after a step, before the validation that may be due, or in the validation after it."""

    def __init__(self, state: TrainState, step: int):
        self.state, self.step = state, step

    def after_step(self) -> None:
        """See Observer."""
        if self.state.progress.step == self.step:
            raise Killed


def train(task: Task, settings: Optimisation, log: Path | None = None) -> dict[str, Any]:
    """Train to the end, and return the record of the training."""
    state = TrainState(task, settings)
    record = loop.train(state, loop.Observer())
    if log:
        write_log(log, state)
    return record


def train_until(state: TrainState, step: int) -> None:
    """Train until a step is done."""
    try:
        loop.train(state, KillAfter(state, step))
    except Killed:
        assert state.progress.step == step
