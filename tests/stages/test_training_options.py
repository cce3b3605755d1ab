"""Options of training through the command line."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.errors import ClcapError
from clcap_cli.stages.train_mle import train_mle
from tests.conftest import CommandResult

Clcap = Callable[..., CommandResult]
SMALL = ("--embedding", 8, "--hidden", 8, "--device", "cpu")


def log(checkpoint: Path) -> list[dict[str, float]]:
    lines = checkpoint.with_suffix(".log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def mle(chain: Path) -> tuple[object, ...]:
    """Arguments for 24 images in batches of 6, which make 4 steps per epoch."""
    files = chain / "captions.h5", chain / "features.h5", "--out", chain / "new.pt"
    return "train-mle", *files, *SMALL, "--batch-size", 6


def cl(chain: Path, *words: object) -> tuple[object, ...]:
    few = "--k", 2, "--batch-size", 6, "--device", "cpu"
    return "train-cl", "--ref", chain / "nt.pt", "--out", chain / "new.pt", *few, *words


def test_steps_warm_up_adamw_and_clipping_by_norm(chain: Path, clcap: Clcap) -> None:
    arguments = ["--optimizer", "adamw", "--weight-decay", 0.1, "--clip-norm", 1, "--max-steps", 6, "--eval-every", 4]
    result = clcap(*mle(chain), *arguments, "--lr", 0.01, "--schedule", "cosine", "--warmup-steps", 5)
    assert result.status == 0, result.err
    rows = [line.split() for line in result.err.splitlines()]
    assert ["step", "loss", "val", "loss", "time", "left"] in rows
    assert [row[0] for row in rows if row and row[0].isdigit()] == ["0", "4", "6"]
    lines = log(chain / "new.pt")
    assert [(line["epoch"], line["step"]) for line in lines] == [(0, 0), (1, 4), (1.5, 6)]
    assert [line["lr"] for line in lines[1:]] == pytest.approx([0.008, 0.01])
    checkpoint = open_checkpoint(chain / "new.pt")
    assert {"epochs": 1.5, "steps": 6}.items() <= checkpoint.training.items()
    stored = checkpoint.provenance.settings
    assert (stored["clip"], stored["clip_norm"], stored["weight_decay"]) == (None, 1, 0.1)
    assert "best epoch " in clcap("show", chain / "new.pt").out
    assert clcap("train-cl", "--ref", chain / "new.pt", "--k", 1, "--epochs", 1, "--device", "cpu").status == 0
    assert clcap("self-retrieve", chain / "new.pt").status == 0
    assert clcap("report", chain / "new.retrieval.json", chain / "new.log.jsonl").status == 0


def test_the_stored_options_are_those_used(chain: Path, clcap: Clcap) -> None:
    assert clcap(*mle(chain), "--epochs", 1, "--optimizer", "adamw").status == 0
    stored = open_checkpoint(chain / "new.pt").provenance.settings
    assert (stored["clip"], stored["clip_norm"], stored["weight_decay"]) == (0.1, None, 0.01)


METRICS = {"loss": ("val_loss", min), "mean-rank": ("val_mean_rank", min), "cider": ("val_CIDEr", max)}


@pytest.mark.parametrize(
    ("objective", "select_by"),
    [("mle", by) for by in METRICS] + [("contrastive", by) for by in METRICS] + [("adversarial", "cider")],
)
def test_the_saved_checkpoint_has_the_best_metric(chain: Path, clcap: Clcap, objective: str, select_by: str) -> None:
    metric, best = METRICS[select_by]
    arguments = mle(chain) if objective == "mle" else cl(chain, "--objective", objective)
    result = clcap(*arguments, "--max-steps", 6, "--eval-every", 2, "--lr", 0.01, "--select-by", select_by)
    assert result.status == 0, result.err
    record = open_checkpoint(chain / "new.pt").training
    tried = log(chain / "new.pt")[1:]
    assert record["criterion"] == metric
    assert record["metrics"][metric] == best(line[metric] for line in tried)
    assert record["best_step"] == next(line["step"] for line in tried if line[metric] == record["metrics"][metric])


def test_by_default_mle_is_selected_by_loss_and_cl_by_mean_rank(chain: Path) -> None:
    assert open_checkpoint(chain / "nt.pt").training["criterion"] == "val_loss"
    assert open_checkpoint(chain / "nt_cl.pt").training["criterion"] == "val_mean_rank"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--weight-decay", 0.1),
            "--weight-decay: --optimizer adam has no weight decay; give --optimizer adamw",
        ),
        (
            ("--clip", 1, "--clip-norm", 1),
            "--clip-norm: --clip is given too; give one of the two",
        ),
        (
            ("--warmup-steps", 9, "--max-steps", 9),
            "--warmup-steps: 9 is not less than --max-steps 9",
        ),
    ],
)
def test_mutually_exclusive_options_are_refused(
    chain: Path, clcap: Clcap, words: tuple[object, ...], message: str
) -> None:
    for command in (mle(chain), cl(chain)):
        result = clcap(*command, *words)
        assert (result.status, result.out) == (2, "")
        assert result.err == f"error: {message} (see clcap {command[0]} --help)\n"


def test_the_adversarial_loss_selects_no_checkpoint(chain: Path, clcap: Clcap) -> None:
    result = clcap(*cl(chain, "--objective", "adversarial", "--select-by", "loss"))
    assert result.status == 2
    assert result.err == (
        "error: --select-by: the loss of --objective adversarial changes with its discriminator; "
        "give mean-rank or cider (see clcap train-cl --help)\n"
    )


def test_a_warm_up_longer_than_training_is_refused(chain: Path, error_of: Callable[..., str]) -> None:
    assert error_of(*mle(chain), "--epochs", 2, "--warmup-steps", 8) == (
        "--warmup-steps 8 must be less than the 8 steps of the training, 4 per epoch"
    )
    assert not (chain / "new.pt").exists()


@pytest.mark.parametrize("word", ["max-steps", "eval-every", "clip-norm"])
def test_zero_is_refused_for_counts(chain: Path, clcap: Clcap, word: str) -> None:
    result = clcap(*mle(chain), f"--{word}", 0)
    assert result.status == 2
    assert result.err.startswith(f"error: --{word}: ")


def test_exclusive_options_are_refused_from_python_too(chain: Path) -> None:
    with pytest.raises(ClcapError, match="weight_decay: --optimizer adam has no weight decay; give --optimizer adamw"):
        train_mle(chain / "captions.h5", chain / "features.h5", weight_decay=0.1)


def test_printed_options_can_be_read(chain: Path, clcap: Clcap) -> None:
    arguments = ("--clip-norm", 1, "--optimizer", "adamw", "--max-steps", 2)
    printed = clcap(*mle(chain), *arguments, "--print-config")
    (chain / "options.yaml").write_text(printed.out)
    result = clcap(*mle(chain)[:3], "--config", chain / "options.yaml")
    assert result.status == 0, result.err
    assert open_checkpoint(chain / "new.pt").provenance.settings["clip_norm"] == 1


def test_truncated_captions_are_counted(chain: Path, clcap: Clcap) -> None:
    result = clcap(*mle(chain), "--epochs", 1, "--max-length", 3)
    assert result.status == 0
    assert re.search(r"^\d+ of \d+ captions are cut at 3 tokens$", result.err, re.MULTILINE)
