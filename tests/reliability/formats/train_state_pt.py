"""Saved states ``*.state.pt`` of training runs, as --resume and show read them."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.reliability.fuzzing import Format
from tests.reliability.seeds import DATA
from tests.reliability.torch_mutations import TORCH_MUTATORS, TORCH_TOKENS

if TYPE_CHECKING:
    from clcap_cli.training.state import TrainState


@cache
def state() -> "TrainState":
    """The state of a run with a captioner and a discriminator, after one step."""
    from clcap_cli.training.settings import Optimisation
    from clcap_cli.training.state import TrainState
    from tests.training.running import train_until
    from tests.training.tasks import adversarial_task

    task = adversarial_task(DATA / "version3")
    made = TrainState(task, Optimisation(epochs=2, select_by="mean-rank", lr=1e-2, precision="fp32"))
    train_until(made, 1)
    return made


def saved() -> Path:
    """The file of that state, which is removed when the program ends."""
    from clcap_cli.artifacts.provenance import Origin

    folder = Path(tempfile.mkdtemp(prefix="clcap-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    state().save(folder / "nt.state.pt", Origin("train-cl", {"seed": 0}), "clcap train-cl")
    return folder / "nt.state.pt"


def read(path: Path) -> None:
    """Continue the run from the file, and describe it."""
    from clcap_cli.stages.show import show
    from clcap_cli.training.saved_state import open_saved_state

    show(path)
    open_saved_state(path)
    state().load(path)


FORMAT = Format(
    "train_state_pt",
    "nt.state.pt",
    read,
    [saved()],
    TORCH_MUTATORS,
    TORCH_TOKENS,
)
