"""One short row for each validation on the screen, whatever else is in the log."""

import json
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clcap_cli import console
from clcap_cli.training import report
from clcap_cli.training.loop import Observer
from clcap_cli.training.loop import train as train_state
from clcap_cli.training.state import TrainState
from tests.training.running import train, train_until
from tests.training.test_loop import Slope, settings

ROW = re.compile(r"^ *(\d\S*)  ")


class Validated(Slope):
    """A task with several validation metrics, all given beforehand."""

    def __init__(self, metrics: list[dict[str, float]], batches: int = 1):
        super().__init__([], batches)
        self.given = iter(metrics)

    def validate(self) -> dict[str, float]:
        return next(self.given)


def full(loss: float, rank: float) -> dict[str, float]:
    return {"val_loss": loss, "val_log_prob": -9.0, "val_R@1": 0.25, "val_mean_rank": rank, "val_CIDEr": 0.8125}


def printed(task: Slope, folder: Path, capsys: pytest.CaptureFixture[str], **changed: Any) -> list[str]:
    train(task, settings(**changed), folder / "x.log.jsonl")
    return capsys.readouterr().err.splitlines()


def test_a_validation_is_one_aligned_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = Validated([full(1.38629, 20.5), full(1.25, 30), full(1.2, 10.25)])
    lines = printed(task, tmp_path, capsys, epochs=2, select_by="mean-rank")
    lines = [re.sub(r"\d:\d\d:\d\d", "H:MM:SS", line) for line in lines]
    assert lines == [
        "at most 2 epochs; stops after 99 validations without a lower mean rank",
        "  epoch      loss  val loss     R@1  mean rank   CIDEr        time left",
        "    0/2              1.3863   0.250      20.50   0.812",
        "    1/2    0.0000    1.2500   0.250      30.00   0.812  best    H:MM:SS",
        "    2/2   -0.1000    1.2000   0.250      10.25   0.812  best",
        "best checkpoint: epoch 2 (step 2), mean rank 10.25",
    ]
    assert "val_log_prob" in json.loads((tmp_path / "x.log.jsonl").read_text().splitlines()[0])


def test_rows_of_large_numbers_fit_in_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = Validated([full(2345.6789, 4999.5)] * 4, batches=3)
    rows = [line for line in printed(task, tmp_path, capsys, epochs=999, max_steps=8, lr=1000.0) if ROW.match(line)]
    assert len(rows) == 4
    assert max(map(len, rows)) < 80


def test_a_metric_that_is_not_measured_has_no_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(Slope([3.0, 2.0]), tmp_path, capsys, epochs=1)
    assert lines[1].split() == ["epoch", "loss", "val", "loss", "time", "left"]


def test_steps_are_counted_where_they_are_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(Slope([1.0] * 9, batches=4), tmp_path, capsys, max_steps=6, eval_every=4)
    assert lines[0].startswith("at most 9 epochs and 6 steps; ")
    assert lines[1].split()[0] == "step"
    assert [found[1] for line in lines if (found := ROW.match(line))] == ["0", "4", "6"]


def test_time_left_is_that_of_all_steps_to_come(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10_000, 60))
    monkeypatch.setattr(report, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    task = Slope([1.0] * 9, batches=10)
    state = TrainState(task, settings(epochs=4))
    entry = report.TrainingReport(state)
    for step in (5, 10):
        state.progress.step, state.progress.batches_per_epoch = step, 10
        entry.add({"val_loss": 1.0}, best=False)
    assert [line.split()[-1] for line in capsys.readouterr().err.splitlines()[2:]] == ["0:07:00", "0:06:00"]


def test_a_continued_training_has_a_header_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = TrainState(Slope([3.0, 2.0, 1.0]), settings(epochs=2))
    for continue_training in (partial(train_until, state, 1), partial(train_state, state, Observer())):
        continue_training()
        lines = capsys.readouterr().err.splitlines()
        assert sum("time left" in line for line in lines) == 1
    assert any(line.split()[0] == "2/2" for line in lines)


def test_a_bar_tears_no_row(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    from rich.console import Console

    terminal = Console(stderr=True, force_terminal=True, soft_wrap=True, highlight=False, width=80)
    monkeypatch.setattr(console, "stderr", lambda: terminal)
    plain = [
        re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in printed(Slope([3.0, 2.0]), tmp_path, capsys, epochs=1)
    ]
    rows = [line.rsplit("\r", 1)[-1].rstrip() for line in plain]
    assert "    1/1    0.0000    2.0000  best" in rows
