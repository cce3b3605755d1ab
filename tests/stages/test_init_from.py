"""train-mle --init-from continues with the model of a checkpoint: its sizes, weights and tokenizer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from tests.conftest import CommandResult

Clcap = Callable[..., CommandResult]
SIZES = ("--embedding", 24, "--hidden", 32)
MLE = ("train-mle", "captions.h5", "features.h5", "--out", "new.pt", "--epochs", 1, "--device", "cpu")


@pytest.fixture(autouse=True)
def in_chain(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(chain)


def test_training_starts_from_the_weights(clcap: Clcap) -> None:
    result = clcap(*MLE, *SIZES, "--init-from", "nt.pt", "--lr", 0, "--dropout", 0.1, "--seed", 7)
    assert result.status == 0, result.err
    start, new = open_checkpoint(Path("nt.pt")), open_checkpoint(Path("new.pt"))
    assert all(torch.equal(new.weights[name], value) for name, value in start.weights.items())
    assert new.training["metrics"]["val_loss"] == pytest.approx(start.training["metrics"]["val_loss"])
    recorded = new.provenance.input("initial weights")
    assert recorded is not None and recorded.id == start.provenance.id
    assert "initial weights: nt.pt  train-mle, seed 0" in clcap("show", "new.pt").out


@pytest.mark.parametrize("start", ["nt.pt", "aa.pt", "tf.pt"])
def test_model_and_sizes_are_those_of_the_checkpoint(clcap: Clcap, start: str) -> None:
    result = clcap(*MLE, "--init-from", start, "--lr", 0, "--max-length", 5)
    assert result.status == 0, result.err
    before, now = open_checkpoint(Path(start)), open_checkpoint(Path("new.pt"))
    assert (now.model, now.config) == (before.model, replace(before.config, max_length=5))
    assert now.provenance.settings["model"] == before.model


@pytest.mark.parametrize(
    ("start", "words", "message"),
    [
        (
            "nt.pt",
            ("--hidden", 512, "--model-option", "image_relu=false"),
            "nt.pt has hidden_size 32 (here 512), image_relu True (here False), so its weights do not fit; "
            "leave out --hidden, --model-option image_relu",
        ),
        (
            "aa.pt",
            ("--model", "neuraltalk2"),
            "aa.pt was trained with --model adaptive-attention; give that instead of --model neuraltalk2",
        ),
    ],
)
def test_another_model_is_refused_with_its_options(
    error_of: Callable[..., str], start: str, words: tuple[object, ...], message: str
) -> None:
    assert error_of(*MLE, *words, "--init-from", start) == message
    assert not Path("new.pt").exists()


def test_another_vocabulary_is_refused(clcap: Clcap, error_of: Callable[..., str]) -> None:
    files = "--train", "scenes/captions_train.json", "--val", "scenes/captions_val.json"
    clcap("prepare-captions", *files, "--min-count", 20, "--out", "other.h5")
    message = error_of("train-mle", "other.h5", *MLE[2:], *SIZES, "--init-from", "nt.pt")
    assert message.startswith("other.h5 and nt.pt have different vocabularies (")


def test_other_features_are_refused(clcap: Clcap, error_of: Callable[..., str]) -> None:
    clcap("extract-features", "captions.h5", "--images", "scenes/images", "--image-size", 32, "--out", "other.h5")
    message = error_of("train-mle", "captions.h5", "other.h5", *MLE[3:], *SIZES, "--init-from", "nt.pt")
    assert message.startswith("other.h5 does not come from the backbone that nt.pt expects: ")
