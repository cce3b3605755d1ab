"""Steps whose loss or gradient is not finite change nothing but the count of skipped steps."""

import copy
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from clcap_cli.artifacts.provenance import Origin
from clcap_cli.errors import ClcapError, NonFiniteError
from clcap_cli.training.loop import Observer
from clcap_cli.training.loop import train as train_state
from clcap_cli.training.mle_task import MleTask
from clcap_cli.training.settings import BatchSettings
from clcap_cli.training.skipped_steps import MAX_IN_A_ROW, SkippedSteps, gradient_norm
from clcap_cli.training.state import TrainState
from tests.training.running import train, train_until
from tests.training.tasks import adversarial_task, mle_task
from tests.training.test_loop import Slope, lines_of, settings

ORIGIN = Origin("train-mle", {"lr": 0.1})


class Faulty(Slope):
    """A task with a loss that ``spoil`` changes in the steps ``bad``, counted from 1."""

    def __init__(self, bad: set[int], spoil: Callable[[Tensor], Tensor], batches: int = 4):
        super().__init__([1.0] * 99, batches)
        self.bad, self.spoil, self.step = bad, spoil, 0

    def loss(self, batch: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        self.step += 1
        loss, metrics = super().loss(batch)
        return (self.spoil(loss) if self.step in self.bad else loss), metrics


SPOILED = {
    "nan loss": lambda loss: loss * torch.nan,
    "infinite loss": lambda loss: loss + torch.inf,
    "nan gradient": lambda loss: loss + (loss - loss.detach()).abs().sqrt(),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
@pytest.mark.parametrize("clip", [{"clip": 1.0}, {"clip": None, "clip_norm": 1.0}], ids=["value", "norm"])
def test_a_bad_step_changes_no_weight_and_no_mean(
    tmp_path: Path, spoil: Callable[[Tensor], Tensor], clip: dict[str, float]
) -> None:
    good, faulty = Faulty(set(), spoil), Faulty({2}, spoil)
    train(good, settings(max_steps=3, eval_every=3, **clip), tmp_path / "good.jsonl")
    record = train(faulty, settings(max_steps=4, eval_every=4, **clip), tmp_path / "faulty.jsonl")
    assert torch.equal(faulty.model.weight, good.model.weight)
    expected, found = lines_of(tmp_path / "good.jsonl")[-1], lines_of(tmp_path / "faulty.jsonl")[-1]
    assert (found["loss"], found["skipped_steps"], record["skipped_steps"]) == (expected["loss"], 1, 1)
    assert "skipped_steps" not in expected


def test_skipped_steps_are_logged_where_they_happened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = Faulty({2, 3, 10}, SPOILED["nan loss"])
    record = train(task, settings(epochs=3), tmp_path / "log.jsonl")
    assert [line.get("skipped_steps") for line in lines_of(tmp_path / "log.jsonl")] == [None, 2, None, 1]
    assert record["skipped_steps"] == 3
    warnings = [line for line in capsys.readouterr().err.splitlines() if "skipped" in line]
    assert warnings == [
        "warning: epoch 1, step 2: the loss is nan; steps whose loss or gradient is not finite are skipped",
        "warning: 3 of 12 steps were skipped because their loss or gradient was not finite",
    ]


def test_an_interval_of_skipped_steps_has_no_mean_loss(tmp_path: Path) -> None:
    train(Faulty({1, 2, 3, 4}, SPOILED["nan loss"]), settings(epochs=2), tmp_path / "log.jsonl")
    first, second = lines_of(tmp_path / "log.jsonl")[1:]
    assert ("loss" in first, first["skipped_steps"]) == (False, 4)
    assert math.isfinite(second["loss"])


def test_many_skipped_steps_in_a_row_stop_training(tmp_path: Path) -> None:
    bad = {2, *range(4, 4 + MAX_IN_A_ROW)}
    with pytest.raises(ClcapError) as error:
        train(Faulty(bad, SPOILED["nan gradient"]), settings(epochs=9), tmp_path / "log.jsonl")
    assert str(error.value) == (
        "epoch 4, step 13: the norm of the gradient is nan; 10 steps in a row were skipped because their loss or "
        "gradient was not finite: training diverged; try a smaller --lr, --clip-norm 1"
    )


def test_a_run_that_skipped_every_step_fails(tmp_path: Path) -> None:
    with pytest.raises(ClcapError) as error:
        train(Faulty(set(range(1, 5)), SPOILED["nan loss"]), settings(epochs=1), tmp_path / "log.jsonl")
    assert str(error.value) == (
        "all 4 steps were skipped because their loss or gradient was not finite, so nothing was trained; try a smaller "
        "--lr, --clip-norm 1"
    )


def test_a_resumed_run_counts_on(tmp_path: Path) -> None:
    stopped = TrainState(Faulty({2, 3}, SPOILED["nan loss"]), settings(epochs=2))
    train_until(stopped, 3)
    stopped.save(tmp_path / "state.pt", ORIGIN, "clcap train-mle")
    continued = TrainState(Faulty({1}, SPOILED["nan loss"]), settings(epochs=2))
    continued.load(tmp_path / "state.pt")
    assert continued.progress.skipped == SkippedSteps(total=2, in_a_row=2)
    assert train_state(continued, Observer())["skipped_steps"] == 3
    assert [line.get("skipped_steps") for line in continued.progress.log] == [None, 3, None]


def test_the_next_step_starts_at_its_own_data(shared_chain: Path, tmp_path: Path) -> None:
    """A step that fails at its first micro-batch leaves the data of its others unused."""
    task, seen, loss = mle_task(shared_chain, settings=BatchSettings(6, max_tokens=40)), [], MleTask.loss

    def first_fails(loaded: Any) -> Any:
        seen.append(loaded)
        if len(seen) == 1:
            raise NonFiniteError("the loss is nan")
        return loss(task, loaded)

    task.loss = first_fails  # type: ignore[method-assign]
    train(task, settings(epochs=1), tmp_path / "log.jsonl")
    second = [part for part, _ in task.micro_batches(task.batches(1)[1])]
    assert len(task.micro_batches(task.batches(1)[0])) > 1
    assert torch.equal(seen[1][0].captions, task.load(second[0])[0].captions)


def test_the_discriminator_skips_its_own_bad_steps(shared_chain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = adversarial_task(shared_chain)
    task.warm_up()
    before = copy.deepcopy([task.discriminator.state_dict(), task.optimizer.state_dict()["state"]])
    hook = task.discriminator.image.weight.register_hook(lambda gradient: gradient * torch.nan)
    with pytest.raises(NonFiniteError, match="the norm of the discriminator's gradient is nan"):
        task.loss(task.load(task.micro_batches(task.batches(1)[0])[0][0]))
    hook.remove()
    now = [task.discriminator.state_dict(), task.optimizer.state_dict()["state"]]
    assert str(now) == str(before)
    loss, _ = task.loss(task.load(task.micro_batches(task.batches(1)[0])[0][0]))
    assert torch.isfinite(loss)


def test_a_warm_up_with_bad_steps_goes_on(shared_chain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task, calls = adversarial_task(shared_chain), iter(range(99))
    spoil = lambda gradient: gradient * (torch.nan if next(calls) in (1, 2) else 1)  # noqa: E731
    task.discriminator.image.weight.register_hook(spoil)
    task.warm_up()
    assert (
        "warning: discriminator, epoch 1/5, step 2: the norm of the discriminator's gradient is nan"
        in capsys.readouterr().err
    )
    assert task.skipped_in_warm_up == SkippedSteps(total=2, in_a_row=0)


def test_a_validation_that_is_not_finite_stops_training(tmp_path: Path) -> None:
    task = Slope([1.0, 0.5, math.nan])
    with pytest.raises(ClcapError) as error:
        train(task, settings(), tmp_path / "log.jsonl")
    assert str(error.value) == (
        "epoch 2, step 2: val_loss is nan: the training of the model diverged; try a smaller --lr, --clip-norm 1"
    )


def test_an_overflowing_square_counts_as_not_finite() -> None:
    """Adam's second moment would be infinite for ever."""
    parameter = torch.nn.Parameter(torch.zeros(2))
    parameter.grad = torch.tensor([1e30, 0.0])
    assert not torch.isfinite(gradient_norm([parameter]))
