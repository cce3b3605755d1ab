"""Runs stages like run_stages.py; keeps their saved states, and writes how many bytes each process holds at the end."""

import json
import os
from pathlib import Path
from typing import Any

from torch import Tensor

from clcap_cli.compute.divided_model import own_part
from clcap_cli.training import loop
from clcap_cli.training.run import TrainingRun
from clcap_cli.training.state import TrainState
from tests.distributed.run_stages import main

finish = loop._finish


def held(state: TrainState) -> list[Tensor]:
    """Weights, gradients, moments of Adam and best weights."""
    weights = list(state.task.model.parameters())
    moments = [value for one in state.optimizer.state.values() for value in one.values() if value.ndim]
    return [*weights, *(one.grad for one in weights if one.grad is not None), *moments, *state.best_weights.values()]


def finish_and_count(state: TrainState) -> dict[str, Any]:
    record = finish(state)
    storages = [own_part(one.detach()).untyped_storage() for one in held(state)]
    sizes = {storage.data_ptr(): storage.nbytes() for storage in storages}  # the gradients of a layer share one
    Path(f"held-{os.environ['RANK']}.json").write_text(json.dumps(sum(sizes.values())))
    return record


if __name__ == "__main__":
    TrainingRun._remove_temporary_files = lambda self: None  # type: ignore[method-assign]
    loop._finish = finish_and_count
    main()
