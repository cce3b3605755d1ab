"""A run whose training loss rose keeps its file and fails."""

import shutil
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from clcap_cli.errors import ClcapError
from clcap_cli.training.mle_task import MleTask
from clcap_cli.training.progress import Progress
from clcap_cli.training.worse import check_not_worse, loss_rise


def after(first: float | None, *losses: float) -> Progress:
    """A run with this loss of the first step and these mean losses until each validation."""
    log = [{"val_loss": 1.0}, *({"loss": loss} for loss in losses)]
    return Progress(1, 0, 9, 9, log, None, first_loss=first)


@pytest.mark.parametrize(
    "progress",
    [
        after(3.0, 2.5, 2.0),
        after(3.0, 2.5, 2.7),
        after(2.0, 2.3, 2.5),
        after(0.001, 0.002, 0.009),
        after(-5.0, -5.2, -4.9),
        after(2.0, 2.2),
        after(None),
        after(2.0),
    ],
    ids=["lower", "by 8%", "a low first batch", "near 0", "negative", "one validation", "no step", "no mean"],
)
def test_a_run_that_did_not_get_worse_passes(progress: Progress) -> None:
    assert loss_rise(progress) is None


@pytest.mark.parametrize(
    ("progress", "rise"),
    [
        (after(3.0, 2.5, 2.8), "2.5000 until the first validation to 2.8000"),
        (after(3.0, 900.0, 850.0), "3.0000 in the first step to 850.0000"),
        (after(3.0, 900.0), "3.0000 in the first step to 900.0000"),
        (after(-5.0, -5.2, -4.6), "-5.2000 until the first validation to -4.6000"),
    ],
    ids=["rises", "rises at once", "one validation", "negative"],
)
def test_a_run_that_got_worse_fails(progress: Progress, rise: str) -> None:
    found = loss_rise(progress)
    assert found
    record = {"loss_rise": asdict(found)}
    with pytest.raises(ClcapError) as error:
        check_not_worse(record, Path("nt.pt"))
    assert str(error.value) == (
        f"nt.pt is written, but the training loss rose from {rise} at the end, by more than 10%: the run got worse; "
        "try a smaller --lr"
    )


WORSE = ("--lr", "50", "--epochs", "2", "--schedule", "constant", "--hidden", "16")


def test_the_file_of_a_run_that_got_worse_is_written(clcap, error_of, chain: Path) -> None:
    out = chain / "x.pt"
    shutil.copy(chain / "nt.pt", out)
    words = ["train-mle", chain / "captions.h5", chain / "features.h5", "--out", out, *WORSE]
    result = clcap(*words)
    assert (result.status, result.out) == (1, "")
    *_, replaced, message = result.err.splitlines()
    assert replaced.startswith(f"replaced {out} of ")
    assert message.startswith(f"error: {out} is written, but the training loss rose from")
    assert not list(chain.glob("x.*.pt"))
    assert "the run got worse" in clcap("show", out).out
    assert f"error: {error_of(*words, '--resume')}" == message


def test_a_record_of_a_rise_that_is_damaged_is_refused(error_of, chain: Path) -> None:
    content = torch.load(chain / "nt.pt", weights_only=True)
    content["training"]["loss_rise"] = {"start": "much"}
    torch.save(content, chain / "nt.pt")
    assert "loss_rise" in error_of("show", chain / "nt.pt")


def test_a_run_that_diverges_keeps_its_best_checkpoint(
    error_of, clcap, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss, steps = MleTask.loss, count(1)

    def spoiled(task: MleTask, loaded: Any) -> Any:
        value, metrics = loss(task, loaded)
        return value * (1.0 if next(steps) <= 4 else float("nan")), metrics

    monkeypatch.setattr(MleTask, "loss", spoiled)
    out, best, state = chain / "x.pt", chain / "x.best.pt", chain / "x.state.pt"
    small = ["--embedding", "24", "--hidden", "32", "--save-every", "1", "--no-preflight"]
    message = error_of("train-mle", chain / "captions.h5", chain / "features.h5", "--out", out, *small)
    assert message == (
        "epoch 7, step 14: the loss is nan; 10 steps in a row were skipped because their loss or gradient was not "
        "finite: training diverged; try a smaller --lr, --clip-norm 1; the best checkpoint so far is kept: a run with "
        f"--init-from {best} starts from it; delete {state} to use --out {out} again"
    )
    assert not out.exists()
    for path in (best, state):
        assert all(torch.isfinite(value).all() for value in tensors_of(path))
    assert clcap("caption", best).status == 0


def tensors_of(path: Path) -> list[torch.Tensor]:
    content = torch.load(path, weights_only=True)
    return list(content.get("weights", content.get("tensors")).values())
