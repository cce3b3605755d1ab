"""Training from pictures: the image encoder trains along, and all later stages use it."""

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clcap_cli.artifacts.checkpoints import Checkpoint, open_checkpoint
from clcap_cli.stages.extract_features import extract_features
from clcap_cli.stages.train_mle import train_mle
from clcap_cli.training import loop
from tests.conftest import CommandResult
from tests.training.running import Killed

Clcap = Callable[..., CommandResult]
COMMON = ("--device", "cpu", "--lr", 0.01, "--encoder-lr", 0.001, "--train-encoder")
SIZES = ("--embedding", 24, "--hidden", 32, "--dropout", 0)
MLE = ("train-mle", "captions.h5", "features.h5", "--init-from", "nt.pt", *SIZES, *COMMON)


@pytest.fixture(scope="module")
def shared_files(shared_chain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain with a tiny encoder; ft.pt is nt.pt after an epoch in which the encoder was trained too."""
    folder = tmp_path_factory.mktemp("pictures") / "chain"
    folder.mkdir()
    shutil.copytree(shared_chain / "scenes", folder / "scenes")
    shutil.copy(shared_chain / "captions.h5", folder)
    tiny = {"backbone": "test_efficientnet", "weights": "random", "image_size": 32, "device": "cpu"}
    trained = {"embedding": 24, "hidden": 32, "dropout": 0.0, "epochs": 1, "device": "cpu", "lr": 0.01}
    with contextlib.chdir(folder):
        extract_features("captions.h5", ["scenes/images"], out="features.h5", **tiny)
        train_mle("captions.h5", "features.h5", out="nt.pt", **trained)
        start = {"init_from": "nt.pt", "out": "ft.pt"}
        train_mle("captions.h5", "features.h5", **start, train_encoder=True, encoder_lr=1e-3, **trained)
    return folder


@pytest.fixture
def files(shared_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the files, in which commands run."""
    folder = Path(shutil.copytree(shared_files, tmp_path / "chain"))
    monkeypatch.chdir(folder)
    return folder


def log_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    opened = open_checkpoint(path)
    assert opened.encoder is not None
    return opened.encoder.weights


def changed(before: Checkpoint, after: Checkpoint) -> set[str]:
    assert before.encoder and after.encoder
    pairs = before.encoder.weights, after.encoder.weights
    return {name for name in pairs[0] if not torch.equal(pairs[0][name], pairs[1][name])}


def test_the_encoder_is_trained_except_its_batch_normalisation(clcap: Clcap, files: Path) -> None:
    assert clcap("train-cl", "--ref", "ft.pt", "--k", 2, "--epochs", 1, *COMMON, "--out", "cl.pt").status == 0
    names = changed(open_checkpoint(files / "ft.pt"), open_checkpoint(files / "cl.pt"))
    assert "network.conv_stem.weight" in names
    assert not [name for name in names if "bn" in name or "classifier" in name]


def test_a_rate_of_0_leaves_the_encoder_as_it_is(clcap: Clcap, files: Path) -> None:
    command = ("train-mle", "captions.h5", "--images", "scenes/images", "--init-from", "ft.pt", *SIZES)
    done = clcap(*command, "--train-encoder", "--encoder-lr", 0, "--epochs", 1, "--out", "same.pt")
    assert done.status == 0, done.err
    assert changed(open_checkpoint(files / "ft.pt"), open_checkpoint(files / "same.pt")) == set()


def test_features_of_another_encoder_are_refused(clcap: Clcap, files: Path, error_of: Callable[..., str]) -> None:
    message = error_of("self-retrieve", "ft.pt", "--features", "features.h5")
    assert message.startswith("features.h5 does not come from the backbone that ft.pt expects: its weights_id is ")


def test_later_stages_use_the_encoder_of_the_checkpoint(clcap: Clcap, files: Path) -> None:
    caption = clcap("caption", "ft.pt", "--out", "ft.csv")
    assert caption.status == 0, caption.err
    assert "ft.pt: features are computed from the pictures in " in caption.err
    of_files = clcap("caption", "ft.pt", "--images", "scenes/images", "--out", "all.csv")
    assert of_files.status == 0, of_files.err
    by_name = {Path(line.split(",")[1]).name: line.split(",", 2)[2] for line in (files / "all.csv").open()}
    rows = [line.split(",", 2) for line in (files / "ft.csv").read_text().splitlines()[1:]]
    assert {Path(name).name: text for _, name, text in rows}.items() <= {
        name: text.strip() for name, text in by_name.items()
    }.items()
    for command in (
        ("self-retrieve", "ft.pt"),
        ("self-retrieve", "nt.pt", "--ranker", "ft.pt"),
        ("evaluate", "ft.pt", "--metrics", "CIDEr"),
        ("swap-reference", "--ref", "nt.pt", "--candidate", "ft.pt", "--force"),
    ):
        done = clcap(*command)
        assert done.status == 0, done.err
    swapped, trained = open_checkpoint(files / "nt_ref1.pt"), open_checkpoint(files / "ft.pt")
    assert changed(swapped, trained) == set()
    assert clcap("self-retrieve", "nt_ref1.pt", "--out", "again.retrieval.json").status == 0
    ranks = [json.loads((files / f"{name}.retrieval.json").read_text())["metrics"] for name in ("ft", "again")]
    assert ranks[0] == ranks[1]


def test_pictures_that_moved_are_given(clcap: Clcap, files: Path, error_of: Callable[..., str]) -> None:
    assert clcap(*MLE, "--images", "scenes/images", "--max-steps", 1, "--out", "ft.pt").status == 0
    (files / "scenes").rename(files.parent / "elsewhere")
    assert error_of("self-retrieve", "ft.pt").endswith(
        "whose folder is not recorded or has moved; give it with --images, or features from its encoder with --features"
    )
    assert "give it with --split-images" in error_of("caption", "ft.pt")
    images = files.parent / "elsewhere" / "images"
    assert clcap("caption", "ft.pt", "--split-images", images).status == 0
    assert clcap("evaluate", "ft.pt", "--images", images, "--metrics", "CIDEr").status == 0


def test_equal_target_and_reference_see_the_same_views(clcap: Clcap, files: Path) -> None:
    done = clcap("train-cl", "--ref", "ft.pt", "--k", 2, "--epochs", 1, *COMMON, "--out", "cl.pt")
    assert "training loss before the first step: 1.3863 (1.3863 if" in done.err
    assert "random parts of them" in done.err


@pytest.mark.parametrize("objective", ["introspective", "adversarial", "dpo", "simpo"])
def test_every_objective_trains_the_encoder(
    clcap: Clcap, files: Path, objective: str, small_discriminator: None
) -> None:
    command = ("train-cl", "--ref", "ft.pt", "--k", 2, "--max-steps", 1, "--objective", objective, *COMMON)
    done = clcap(*command, "--out", "x.pt")
    assert done.status == 0, done.err
    assert "network.conv_stem.weight" in changed(open_checkpoint(files / "ft.pt"), open_checkpoint(files / "x.pt"))


def test_whole_pictures_keep_the_ln_p_of_the_reference(clcap: Clcap, files: Path) -> None:
    common = ("--k", 2, "--epochs", 1, "--device", "cpu", "--lr", 0.01, "--encoder-lr", 0)
    for name, more in (("cached", ()), ("again", ()), ("fresh", ("--no-cache",))):
        done = clcap(
            "train-cl", "--ref", "nt.pt", *common, "--train-encoder", "--no-augment", *more, "--out", f"{name}.pt"
        )
        assert done.status == 0, done.err
        assert "whole" in done.err
    losses = [[entry["val_loss"] for entry in log_of(files / f"{name}.log.jsonl")] for name in ("cached", "fresh")]
    assert np.allclose(*losses, atol=1e-3)
    assert (files / "nt.reference.h5").exists()


def test_reference_pool_needs_whole_pictures(usage_error_of: Callable[..., str], files: Path) -> None:
    command = ("train-cl", "--ref", "ft.pt", "--reference-pool", 5, "--train-encoder")
    assert "give --no-augment" in usage_error_of(*command)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--encoder-lr", 0.1), "it is the learning rate of --train-encoder, which is not given"),
        (("--augment",), "it is for training from pictures; give --images or --train-encoder"),
        (("--backbone", "resnet18"), "it is for training from pictures; give --images or --train-encoder"),
        (("--backbone", "resnet18", "--train-encoder"), "determines the encoder; give only one of the two"),
    ],
)
def test_options_that_need_pictures(
    usage_error_of: Callable[..., str], files: Path, arguments: tuple, problem: str
) -> None:
    assert problem in usage_error_of("train-mle", "captions.h5", "features.h5", *arguments)


def test_training_without_features_needs_pictures(usage_error_of: Callable[..., str], files: Path) -> None:
    assert "give a features.h5, or pictures with --images" in usage_error_of("train-mle", "captions.h5")


def test_a_frozen_encoder_reads_pictures_too(clcap: Clcap, files: Path) -> None:
    """Features that are computed in memory train as stored ones do."""
    common = ("--epochs", 1, "--device", "cpu", "--embedding", 8, "--hidden", 8)
    assert clcap("train-mle", "captions.h5", "features.h5", *common, "--out", "stored.pt").status == 0
    images = ("--images", "scenes/images", "--image-size", 32, "--backbone", "test_efficientnet", "--weights", "random")
    done = clcap("train-mle", "captions.h5", *images, *common, "--out", "live.pt")
    assert done.status == 0, done.err
    losses = [log_of(files / f"{name}.log.jsonl")[-1]["val_loss"] for name in ("stored", "live")]
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
    assert open_checkpoint(files / "live.pt").backbone == open_checkpoint(files / "stored.pt").backbone
    assert clcap("self-retrieve", "live.pt").status == 0


def test_unreadable_pictures_are_named_or_skipped(clcap: Clcap, files: Path, error_of: Callable[..., str]) -> None:
    first = next(path for path in sorted((files / "scenes/images").iterdir()))
    first.write_bytes(b"no picture")
    assert "leave such images out with --skip-bad" in error_of(*MLE, "--epochs", 1, "--out", "x.pt")
    done = clcap(*MLE, "--epochs", 1, "--skip-bad", "--out", "x.pt")
    assert done.status == 0, done.err
    assert "1 of 32 images left out; training does without them" in done.err


@pytest.mark.parametrize(
    "command", [MLE, ("train-cl", "--ref", "ft.pt", "--k", 2, *COMMON)], ids=["mle", "contrastive"]
)
def test_a_resumed_run_ends_with_the_same_bits(
    clcap: Clcap, files: Path, monkeypatch: pytest.MonkeyPatch, command: tuple
) -> None:
    command = (*command, "--batch-size", 10, "--epochs", 2, "--save-every", 1, "--out", "run.pt")
    assert clcap(*command).status == 0
    expected, encoder = open_checkpoint(files / "run.pt").provenance.id, weights_of(files / "run.pt")
    (files / "run.pt").unlink()
    step, done = loop._step, []

    def killed_in_second_epoch(*arguments: Any) -> None:
        if len(done) == 4:
            raise Killed
        done.append(step(*arguments))

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(loop, "_step", killed_in_second_epoch)
        clcap(*command)
    assert clcap(*command, "--resume").status == 0
    assert open_checkpoint(files / "run.pt").provenance.id == expected
    assert all(torch.equal(value, encoder[name]) for name, value in weights_of(files / "run.pt").items())
