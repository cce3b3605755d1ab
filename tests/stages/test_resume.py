"""Training runs that are stopped and resumed end with the same files as uninterrupted ones."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.training import loop
from tests.conftest import CommandResult
from tests.training.running import Killed

Clcap = Callable[..., CommandResult]
Stop = Callable[[int], None]
COMMON = ("--batch-size", 6, "--device", "cpu", "--dropout", 0.5, "--lr", 0.01, "--eval-every", 3)
MLE = ("train-mle", "captions.h5", "features.h5", "--embedding", 8, "--hidden", 8, "--epochs", 2, *COMMON)
CL = ("train-cl", "--ref", "nt.pt", "--k", 2, "--epochs", 2, *COMMON)
RUNS: dict[str, tuple[object, ...]] = {
    "mle": MLE,
    "mle by CIDEr": (*MLE, "--select-by", "cider", "--max-tokens", 40, "--optimizer", "adamw", "--warmup-steps", 2),
    "contrastive": CL,
    "fixed negatives": (*CL, "--fix-negatives", "--negatives", "mixed"),
    "dpo": (*CL, "--objective", "dpo", "--target", "aa.pt"),
    "introspective": (*CL, "--objective", "introspective"),
    "adversarial": (*CL, "--objective", "adversarial"),
}


@pytest.fixture(autouse=True)
def in_chain(chain: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(chain)
    return chain


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, as it does at the start of Python; background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def at_step(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, Callable[[], Any]], None]]:
    """Arrange that a function is called in a step of the next training."""
    original = loop._step

    def arrange(step: int, act: Callable[[], Any]) -> None:
        def acting(state: Any, *rest: Any) -> None:
            original(state, *rest)
            if state.progress.step == step:
                act()

        monkeypatch.setattr(loop, "_step", acting)

    yield arrange


def kill() -> None:
    raise Killed


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def interrupted(clcap: Clcap, words: tuple[object, ...]) -> CommandResult:
    """The result of a command that is interrupted."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # an interrupted command ignores what follows
    result = clcap(*words)
    assert (result.status, result.out) == (130, "")
    return result


def never() -> None:
    pass


def contents(out: Path) -> dict[str, Any]:
    """What a finished run leaves, except times."""
    files = [out, out.with_name(f"{out.stem}.discriminator.pt")]
    found: dict[str, Any] = {}
    for path in filter(Path.exists, files):
        content = torch.load(path, weights_only=True)
        content["provenance"] = {name: content["provenance"][name] for name in ("id", "settings", "inputs")}
        content["provenance"]["settings"].pop("out")
        content["training"]["metrics"].pop("data_wait_share")
        found[path.suffixes[-1] + str(len(path.suffixes))] = json.dumps(content, default=_digits)
    lines = map(json.loads, out.with_suffix(".log.jsonl").read_text().splitlines())
    found["log"] = [{k: v for k, v in line.items() if k not in ("seconds", "data_wait_share")} for line in lines]
    return found


def _digits(value: torch.Tensor) -> list[float]:
    return value.double().flatten().tolist()


@pytest.mark.parametrize("name", RUNS)
def test_a_run_stopped_at_any_step_ends_with_the_same_files(
    clcap: Clcap, at_step: Callable[[int, Callable[[], Any]], None], in_chain: Path, name: str
) -> None:
    """It is killed between two states, interrupted in the middle of an epoch, and before a validation that is due."""
    assert clcap(*RUNS[name], "--out", "whole.pt").status == 0
    words = (*RUNS[name], "--out", "new.pt", "--resume", "--save-every", 1)
    at_step(2, kill)
    with pytest.raises(Killed):
        clcap(*words)
    at_step(3, interrupt)
    interrupted(clcap, words)
    (in_chain / "nt.reference.h5").unlink()
    at_step(5, interrupt)
    interrupted(clcap, words)
    at_step(0, never)
    result = clcap(*words)
    assert result.status == 0, result.err
    assert "continuing from new.state.pt: epoch 1.25 (step 5)" in result.err.splitlines()
    assert contents(Path("new.pt")) == contents(Path("whole.pt"))
    assert sorted(path.name for path in in_chain.glob("*new*")) == sorted(
        path.name.replace("whole", "new") for path in in_chain.glob("*whole*")
    )


def test_the_best_checkpoint_so_far_is_usable(
    clcap: Clcap, at_step: Callable[[int, Callable[[], Any]], None], in_chain: Path
) -> None:
    at_step(4, interrupt)
    interrupted(clcap, (*MLE, "--out", "new.pt"))
    assert open_checkpoint(Path("new.best.pt")).training["finished"] is False
    at_step(0, never)
    assert clcap("caption", "new.best.pt").status == 0
    assert clcap("train-cl", "--ref", "new.best.pt", "--epochs", 1, "--k", 1).status == 0
