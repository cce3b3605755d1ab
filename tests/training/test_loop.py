import itertools
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from clcap_cli.training.loop import train
from clcap_cli.training.settings import Optimisation


class Slope:
    """A task whose loss is its one weight, and whose validation figures are given beforehand."""

    criterion = "val_loss"

    def __init__(self, figures: list[float]):
        self.model = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.model.weight)
        self.figures = iter(figures)
        self.seen: list[float] = []

    def batches(self, epoch: int) -> list[int]:
        return [epoch]

    def parts(self, batch: int) -> list[tuple[int, float]]:
        return [(batch, 1.0)]

    def load(self, batch: int) -> int:
        return batch

    def loss(self, batch: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        return self.model.weight.sum(), {}

    def validate(self) -> dict[str, float]:
        self.seen.append(float(self.model.weight))
        return {"val_loss": next(self.figures)}


def test_the_best_epoch_is_kept_and_training_stops_when_nothing_gets_better(tmp_path: Path) -> None:
    task = Slope([5.0, 3.0, 2.0, 4.0, 4.0, 4.0, 1.0])
    record = train(
        task,
        Optimisation(epochs=9, lr=0.1, schedule="constant", clip=1.0, patience=3, precision="fp32"),
        tmp_path / "log.jsonl",
    )
    assert record["best_epoch"] == 2
    assert record["epochs"] == 5
    assert task.model.weight.item() == task.seen[2]
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [0, 1, 2, 3, 4, 5]
    assert [line["val_loss"] for line in lines] == [5.0, 3.0, 2.0, 4.0, 4.0, 4.0]
    assert all(0 <= line["loader_share"] <= 1 for line in lines[1:])


def test_a_training_that_only_makes_it_worse_says_so_and_is_not_passed_off_as_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = Slope([1.0, 2.0, 3.0])
    record = train(
        task,
        Optimisation(epochs=2, lr=0.1, schedule="constant", clip=1.0, patience=5, precision="fp32"),
        tmp_path / "log.jsonl",
    )
    assert record["best_epoch"] == 1
    assert task.model.weight.item() == task.seen[1] != 0
    assert "kept epoch 1: val_loss 2.0000, worse than the start's 1.0000" in capsys.readouterr().err


def test_patience_counts_the_epochs_that_were_trained(tmp_path: Path) -> None:
    task = Slope([1.0, 4.0, 3.0, 3.0, 3.0, 0.5])
    record = train(
        task,
        Optimisation(epochs=9, lr=0.1, schedule="constant", clip=1.0, patience=2, precision="fp32"),
        tmp_path / "log.jsonl",
    )
    assert (record["best_epoch"], record["epochs"]) == (2, 4)


def test_cosine_goes_down_from_the_full_rate(tmp_path: Path) -> None:
    task = Slope([1.0] * 5)
    train(
        task,
        Optimisation(epochs=4, lr=0.1, schedule="cosine", clip=1.0, patience=9, precision="fp32"),
        tmp_path / "log.jsonl",
    )
    steps = [a - b for a, b in zip(task.seen, task.seen[1:], strict=False)]
    assert steps[0] == pytest.approx(0.1, abs=1e-5)
    assert all(a > b > 0 for a, b in itertools.pairwise(steps))


@pytest.mark.parametrize("clip", [0.1, 0.5])
def test_gradients_are_clamped(tmp_path: Path, clip: float) -> None:
    task = Slope([1.0, 1.0])
    seen = []
    task.model.weight.register_post_accumulate_grad_hook(lambda weight: seen.append(weight.grad.abs().max().item()))
    torch.optim.Adam.step, original = (
        lambda self, closure=None: seen.append(self.param_groups[0]["params"][0].grad.item()),
        torch.optim.Adam.step,
    )
    try:
        train(
            task,
            Optimisation(epochs=1, lr=0.1, schedule="constant", clip=clip, patience=5, precision="fp32"),
            tmp_path / "log.jsonl",
        )
    finally:
        torch.optim.Adam.step = original
    assert seen == [1.0, pytest.approx(clip)]


def test_an_interrupt_while_reading_ahead_ends_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There the stage waits for a thread, and that is where Ctrl-C comes as soon as anywhere else."""

    class Interrupted(ThreadPoolExecutor):
        def shutdown(self, *args: object, **options: object) -> None:
            super().shutdown()
            raise KeyboardInterrupt

    monkeypatch.setattr("clcap_cli.read_ahead.ThreadPoolExecutor", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(
            Slope([1.0, 2.0]),
            Optimisation(epochs=1, lr=0.1, schedule="constant", clip=1.0, patience=5, precision="fp32"),
            tmp_path / "log.jsonl",
        )
