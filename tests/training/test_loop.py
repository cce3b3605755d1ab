import itertools
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

from clcap_cli.errors import ClcapError
from clcap_cli.training.optimizer import Adam
from clcap_cli.training.settings import Optimisation
from clcap_cli.training.task import ExtraState
from tests.training.running import train


class Slope:
    """A task whose loss is its only weight, with predefined validation metrics."""

    extra_state = ExtraState()

    def __init__(self, metrics: list[float], batches: int = 1, name: str = "val_loss"):
        self.model = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.model.weight)
        self.metrics, self.count, self.name = iter(metrics), batches, name
        self.seen: list[float] = []

    def batches(self, epoch: int) -> list[int]:
        return [epoch] * self.count

    def micro_batches(self, batch: int) -> list[tuple[int, float]]:
        return [(batch, 1.0)]

    def load(self, batch: int, epoch: int = 1) -> int:
        return batch

    def loss(self, batch: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        return self.model.weight.sum(), {}

    def validate(self) -> dict[str, float]:
        self.seen.append(float(self.model.weight))
        return {self.name: next(self.metrics)}


def settings(**changed: Any) -> Optimisation:
    plain = {"epochs": 9, "lr": 0.1, "schedule": "constant", "clip": 1.0, "patience": 99, "precision": "fp32"}
    return Optimisation(**plain | changed)


def lines_of(log: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_the_best_epoch_is_saved_and_patience_ends_training(tmp_path: Path) -> None:
    task = Slope([5.0, 3.0, 2.0, 4.0, 4.0, 4.0, 1.0])
    record = train(
        task,
        settings(epochs=9, patience=3),
        tmp_path / "log.jsonl",
    )
    assert record["best_epoch"] == 2
    assert record["epochs"] == 5
    assert task.model.weight.item() == task.seen[2]
    lines = lines_of(tmp_path / "log.jsonl")
    assert [line["epoch"] for line in lines] == [0, 1, 2, 3, 4, 5]
    assert [line["val_loss"] for line in lines] == [5.0, 3.0, 2.0, 4.0, 4.0, 4.0]
    assert all(0 <= line["data_wait_share"] <= 1 for line in lines[1:])


def test_training_without_improvement_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = Slope([1.0, 2.0, 3.0])
    record = train(
        task,
        settings(epochs=2, patience=5),
        tmp_path / "log.jsonl",
    )
    assert record["best_epoch"] == 1
    assert task.model.weight.item() == task.seen[1] != 0
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "best checkpoint: epoch 1 (step 1), validation loss 2.0000",
        "warning: the initial model (step 0) was better, validation loss 1.0000; try a smaller --lr",
    ]


def test_patience_does_not_count_the_initial_validation(tmp_path: Path) -> None:
    task = Slope([1.0, 4.0, 3.0, 3.0, 3.0, 0.5])
    record = train(
        task,
        settings(epochs=9, patience=2),
        tmp_path / "log.jsonl",
    )
    assert (record["best_epoch"], record["epochs"]) == (2, 4)


def test_cosine_decays_from_the_full_rate(tmp_path: Path) -> None:
    task = Slope([1.0] * 5)
    train(
        task,
        settings(epochs=4, schedule="cosine", patience=9),
        tmp_path / "log.jsonl",
    )
    steps = [a - b for a, b in zip(task.seen, task.seen[1:], strict=False)]
    assert steps[0] == pytest.approx(0.1, abs=1e-5)
    assert all(a > b > 0 for a, b in itertools.pairwise(steps))


def test_steps_between_validations_and_the_last_step(tmp_path: Path) -> None:
    task = Slope([5.0, 4.0, 3.0, 2.0, 1.0, 0.0], batches=4)
    record = train(task, settings(max_steps=10, eval_every=3), tmp_path / "log.jsonl")
    lines = lines_of(tmp_path / "log.jsonl")
    assert [line["step"] for line in lines] == [0, 3, 6, 9, 10]
    assert [line["epoch"] for line in lines] == [0, 0.75, 1.5, 2.25, 2.5]
    assert (record["epochs"], record["steps"], record["best_epoch"], record["best_step"]) == (2.5, 10, 2.5, 10)


def test_training_ends_at_the_first_of_both_limits(tmp_path: Path) -> None:
    for epochs, max_steps, steps in ((2, None, 8), (2, 99, 8), (2, 5, 5)):
        record = train(Slope([1.0] * 9, 4), settings(epochs=epochs, max_steps=max_steps), tmp_path / "log.jsonl")
        assert record["steps"] == steps


def test_logged_means_are_since_the_last_validation(tmp_path: Path) -> None:
    task = Slope([1.0] * 9, batches=5)
    train(task, settings(epochs=1, eval_every=2), tmp_path / "log.jsonl")
    lines = lines_of(tmp_path / "log.jsonl")
    weights = [0.0, -0.1, -0.2, -0.3, -0.4]
    expected = [(weights[0] + weights[1]) / 2, (weights[2] + weights[3]) / 2, weights[4]]
    assert [line["loss"] for line in lines[1:]] == pytest.approx(expected, abs=1e-6)


def test_patience_counts_validations(tmp_path: Path) -> None:
    record = train(Slope([9.0, 1.0, 2.0, 3.0, 0.0], 4), settings(eval_every=2, patience=2), tmp_path / "log.jsonl")
    assert (record["steps"], record["best_step"]) == (6, 2)


@pytest.mark.parametrize(
    ("select_by", "metric", "best"),
    [("loss", "val_loss", 2), ("mean-rank", "val_mean_rank", 2), ("cider", "val_CIDEr", 3)],
)
def test_selection_minimises_loss_and_rank_maximises_cider(
    tmp_path: Path, select_by: str, metric: str, best: int
) -> None:
    task = Slope([2.0, 3.0, 1.0, 4.0, 1.0, 4.0], name=metric)
    record = train(task, settings(epochs=5, select_by=select_by), tmp_path / "log.jsonl")
    assert (record["best_epoch"], record["criterion"]) == (best, metric)
    assert task.model.weight.item() == task.seen[best]


def test_the_log_has_the_learning_rate_of_its_step(tmp_path: Path) -> None:
    task = Slope([1.0] * 9, batches=4)
    train(task, settings(epochs=1, eval_every=1, warmup_steps=2), tmp_path / "log.jsonl")
    assert [line.get("lr") for line in lines_of(tmp_path / "log.jsonl")] == [None, 0.05, 0.1, 0.1, 0.1]


@pytest.mark.parametrize("clip", [0.1, 0.5])
def test_gradients_are_clipped_by_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: float) -> None:
    task = Slope([1.0, 1.0])
    seen = []
    task.model.weight.register_post_accumulate_grad_hook(lambda weight: seen.append(weight.grad.abs().max().item()))
    monkeypatch.setattr(
        Adam, "step", lambda self, closure=None: seen.append(self.param_groups[0]["params"][0].grad.item())
    )
    train(task, settings(epochs=1, clip=clip, patience=5), tmp_path / "log.jsonl")
    assert seen == [1.0, pytest.approx(clip)]


def test_an_interrupt_during_prefetch_shutdown_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage waits for a thread there, and Ctrl-C may arrive during that wait."""

    class Interrupted(ThreadPoolExecutor):
        def shutdown(self, *args: object, **options: object) -> None:
            super().shutdown()
            raise KeyboardInterrupt

    monkeypatch.setattr("clcap_cli.compute.prefetch.ThreadPoolExecutor", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(
            Slope([1.0, 2.0]),
            settings(epochs=1, patience=5),
            tmp_path / "log.jsonl",
        )


def test_a_warm_up_that_is_too_long_is_refused_first() -> None:
    with pytest.raises(ClcapError, match="--warmup-steps 9 must be less than the 4 steps of the training"):
        train(Slope([]), settings(epochs=4, warmup_steps=9))
