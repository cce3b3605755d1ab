"""Runs stages like run_stages.py; writes how many bytes each process holds at the end.

The second saving of a state fails in the second process. The first state stays, and a copy of it is in the folder
"stopped", where it can be continued.
"""

import errno
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from torch import Tensor

from clcap_cli.compute.divided_model import own_part
from clcap_cli.digests import digest_of_file
from clcap_cli.training import divided_tensors, loop
from clcap_cli.training.run import TrainingRun
from clcap_cli.training.state import TrainState
from tests.distributed.run_stages import run

finish, remove_files = loop._finish, TrainingRun._remove_temporary_files


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


def digest_or_full_disk(path: Path) -> str:
    if os.environ["RANK"] == "1" and path.parent.name.endswith("-2"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return digest_of_file(path)


def copy_or_remove_files(run: TrainingRun) -> None:
    folder = run.out.parent
    if folder.name == "stopped":
        remove_files(run)
        return
    for path in folder.glob("mle.state.*"):
        (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / "stopped" / path.name)


if __name__ == "__main__":
    TrainingRun._remove_temporary_files = copy_or_remove_files  # type: ignore[method-assign]
    loop._finish = finish_and_count
    divided_tensors.digest_of_file = digest_or_full_disk  # type: ignore[attr-defined]
    run(json.loads(sys.argv[1]))
