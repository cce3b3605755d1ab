"""A training that is saved, loaded into new objects and continued equals an uninterrupted one."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from clcap_cli.artifacts import torch_files
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.errors import ClcapError
from clcap_cli.training.loop import Observer, train
from clcap_cli.training.settings import Optimisation
from clcap_cli.training.state import TrainState
from tests.training.running import train_until
from tests.training.tasks import adversarial_task, mle_task, pair_task

TASKS = {"MLE": mle_task, "contrastive": pair_task, "adversarial": adversarial_task}
BY_EPOCH = Optimisation(epochs=2, select_by="mean-rank", lr=1e-2, clip=0.1, precision="fp32")
BY_STEP = Optimisation(
    epochs=3,
    max_steps=9,
    eval_every=3,
    select_by="mean-rank",
    optimizer="adamw",
    lr=1e-2,
    schedule="cosine",
    warmup_steps=3,
    weight_decay=0.1,
    clip_norm=1.0,
    precision="fp32",
)
ORIGIN = Origin("train-cl", {"lr": 1e-2, "seed": 0})
TIMES = ("seconds", "data_wait_share")
"""Values of a log that differ between equal trainings."""


def new_state(folder: Path, name: str, settings: Optimisation, target: str = "nt.pt") -> TrainState:
    """A new training state of a task with dropout and 4 steps per epoch."""
    task = TASKS[name](folder, target, dropout=0.5)
    return TrainState(task, replace(settings, select_by="loss") if name == "MLE" else settings)


def digits(state: TrainState) -> list[dict[str, float]]:
    return [{name: v for name, v in line.items() if name not in TIMES} for line in state.progress.log]


def weights(state: TrainState) -> dict[str, torch.Tensor]:
    every = state.networks.items()
    return {f"{name}.{key}": value for name, network in every for key, value in network.state_dict().items()}


def equal_weights(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("settings", "stops"),
    [(BY_EPOCH, (1, 4, 6)), (BY_STEP, (3, 4, 9))],
    ids=["by epoch", "by step"],
)
@pytest.mark.parametrize("name", TASKS)
def test_resumed_training_equals_uninterrupted_training(
    shared_chain: Path, tmp_path: Path, name: str, settings: Optimisation, stops: tuple[int, ...]
) -> None:
    """The stops are in the middle of an epoch, before a validation that is due, and before the last one."""
    whole, stopped = (new_state(shared_chain, name, settings) for _ in range(2))
    torch.manual_seed(7)
    record = train(whole, Observer())
    torch.manual_seed(7)
    for stop in stops:
        train_until(stopped, stop)
        stopped.save(tmp_path / "state.pt", ORIGIN, "clcap")
        torch.manual_seed(99)
        stopped = new_state(shared_chain, name, settings, target="nt_cl.pt")
        stopped.load(tmp_path / "state.pt")
    assert _without_times(train(stopped, Observer())) == _without_times(record)
    assert equal_weights(weights(stopped), weights(whole))
    assert digits(stopped) == digits(whole)


def _without_times(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "metrics": {key: v for key, v in record["metrics"].items() if key not in TIMES}}


@pytest.fixture(scope="module")
def state(shared_chain: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainState, bytes]:
    """A training state at its start, and the saved state of an interrupted training."""
    folder = tmp_path_factory.mktemp("state")
    stopped = new_state(shared_chain, "adversarial", BY_EPOCH)
    train_until(stopped, 5)
    stopped.save(folder / "state.pt", ORIGIN, "clcap train-cl")
    return new_state(shared_chain, "adversarial", BY_EPOCH), (folder / "state.pt").read_bytes()


@pytest.fixture
def saved(state: tuple[TrainState, bytes], tmp_path: Path) -> Path:
    (tmp_path / "state.pt").write_bytes(state[1])
    return tmp_path / "state.pt"


@pytest.fixture
def refusal_of(state: tuple[TrainState, bytes]) -> Callable[..., str]:
    """The error for a file that is not loaded; the state must not change."""
    fresh, _ = state

    def load(path: Path) -> str:
        before, random_state = copy.deepcopy(weights(fresh)), torch.get_rng_state()
        with pytest.raises(ClcapError) as error:
            fresh.load(path)
        assert equal_weights(weights(fresh), before)
        assert torch.equal(torch.get_rng_state(), random_state)
        assert fresh.progress.step == 0
        return str(error.value).removeprefix(f"{path} ")

    return load


def with_tensor(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["tensors"].update({name: value})


PART, TENSOR = "is not a complete clcap/train-state file: at ", "is damaged: its tensor "


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda content: content.pop("progress"), f"{PART}progress: "),
        (lambda content: content["progress"].update(step=-1), f"{PART}progress.step: "),
        (lambda content: content["progress"].pop("batch"), f"{PART}progress.batch: "),
        (lambda content: content["sums"].update(sums=[]), f"{PART}sums.sums: "),
        (lambda content: content.update(tensors=None), "is damaged: it has no tensors; "),
        (lambda content: content["tensors"].update({3: 4}), f"{TENSOR}'3' is not a plain tensor, expected missing; "),
        (with_tensor("best/output.bias", None), f"{TENSOR}'best/output.bias' is missing, expected float32 "),
        (with_tensor("network captioner/output.bias", torch.zeros(2)), f"{TENSOR}'network captioner/output.bias' is "),
        (with_tensor("optimizer captioner/0.exp_avg", torch.zeros(1)), f"{TENSOR}'optimizer captioner/0.exp_avg' is "),
        (
            with_tensor("optimizer discriminator/99.step", torch.zeros(())),
            f"{TENSOR}'optimizer discriminator/99.step' is ",
        ),
        (with_tensor("generator dropout/state", torch.zeros(3)), f"{TENSOR}'generator dropout/state' is float32 (3), "),
        (lambda content: content["progress"].update(step=6), "is damaged: its content is not what was saved; "),
        (lambda content: content.update(x=torch.zeros(1)), "is damaged: its content is not what was saved; "),
        (lambda content: content.update({(): 1}), "is damaged: its content is not what was saved; "),
    ],
)
def test_a_damaged_state_is_refused(
    saved: Path, refusal_of: Callable[..., str], change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    content = torch.load(saved, weights_only=True)
    change(content)
    torch.save(content, saved)
    assert refusal_of(saved).startswith(problem)


def test_an_invalid_random_generator_is_refused(saved: Path, refusal_of: Callable[..., str]) -> None:
    content = torch.load(saved, weights_only=True)
    content["tensors"]["generator dropout/state"].fill_(255)
    plain = {name: value for name, value in content.items() if name not in ("provenance", "tensors")}
    content["provenance"]["id"] = torch_files.content_id(plain, content["tensors"])
    torch.save(content, saved)
    assert refusal_of(saved) == "is damaged: its random generator 'dropout' has an invalid state; create it again"


def test_a_checkpoint_is_not_a_training_state(shared_chain: Path, refusal_of: Callable[..., str]) -> None:
    error = refusal_of(shared_chain / "nt.pt")
    expected = "the saved state of a training run (*.state.pt) is expected here"
    assert error == f"is a checkpoint (*.pt) of train-mle or train-cl; {expected}"
