"""Small trainings, to the end or to a step, and their logs."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from clcap_cli.stages.train_mle import train_mle
from clcap_cli.training import loop
from tests.training.running import Killed

SMALL = {"embedding": 8, "hidden": 8, "batch_size": 6, "epochs": 2, "lr": 0.01, "eval_every": 2, "device": "cpu"}
"""Eight steps, with a validation after every other one."""


def train(folder: Path, **options: Any) -> Path:
    """Train on the chain in a folder; returns the checkpoint ``x.pt``."""
    return train_mle(folder / "captions.h5", folder / "features.h5", **{"out": folder / "x.pt", **SMALL, **options})


def train_until(step: int, folder: Path, **options: Any) -> None:
    """Train until a step is done and its validation is made, and stop in the next step."""
    original = loop._step

    def stopping(state: Any, *rest: Any) -> None:
        original(state, *rest)
        if state.progress.step > step:
            raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(loop, "_step", stopping)
        train(folder, **options)


def log_of(checkpoint: Path) -> dict[str, dict[int, float]]:
    """The log of a checkpoint: the values of each number by step."""
    values: dict[str, dict[int, float]] = {}
    for record in map(json.loads, checkpoint.with_suffix(".log.jsonl").read_text().splitlines()):
        for name in record.keys() - {"step"}:
            values.setdefault(name, {})[record["step"]] = record[name]
    return values


def failing(method: Callable[..., Any], first: int, last: int) -> Callable[..., Any]:
    """A method whose calls from the first to the last of these raise an error; calls are counted from 1."""
    number = count(1)

    def call(*arguments: Any, **options: Any) -> Any:
        if first <= next(number) <= last:
            raise OSError(28, "No space left on device")
        return method(*arguments, **options)

    return call
