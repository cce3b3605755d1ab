"""Cost of saving the state of a training: share of the time at the default --save-every, and memory."""

import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from clcap_cli.artifacts.provenance import Origin
from clcap_cli.training.run_files import state_path
from clcap_cli.training.run_settings import RunSettings, SaveInterval
from clcap_cli.training.settings import Optimisation
from clcap_cli.training.state import TrainState
from clcap_cli.training.task import ExtraState
from tests.benchmarks.measure import parse_arguments, standard_model
from tests.benchmarks.memory import peak_of


class StandardTask:
    """A task with a model of standard size and nothing else, as far as a state needs it."""

    extra_state = ExtraState()

    def __init__(self, name: str, device: str):
        self.model = standard_model(name, device)


def trained_state(name: str, device: str) -> TrainState:
    """The state after one step of Adam and one validation."""
    task: Any = StandardTask(name, device)
    state = TrainState(task, Optimisation(precision="fp32"))
    for parameter in task.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    state.optimizer.step()
    state.progress.batches_per_epoch = 5000
    state.progress.count_step()
    state.keep_if_best({"val_loss": 1.0})
    return state


def main() -> None:
    given = parse_arguments(__doc__)
    interval = SaveInterval.parse(RunSettings().save_every).seconds
    for name in given.models:
        state = trained_state(name, given.device)
        with tempfile.TemporaryDirectory() as folder:
            path, before, seconds = state_path(Path(folder, "x.pt")), peak_of(), []
            for _ in range(given.runs):
                started = time.perf_counter()
                state.save(path, Origin("train-mle", {}), "clcap train-mle")
                seconds.append(time.perf_counter() - started)
            size, more = path.stat().st_size / 1e6, peak_of() - before
        print(
            f"{name}: {size:.0f} MB in {max(seconds):.2f} s at most, {max(seconds) / interval:.2%} of the time at one "
            f"state every {interval:.0f} s; {more:.0f} MiB more memory"
        )


if __name__ == "__main__":
    main()
