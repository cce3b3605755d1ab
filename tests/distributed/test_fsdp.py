"""A captioner of Hugging Face that two processes divide by --fsdp is the one that one process trains."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import clcap_cli
from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.checkpoints import open_checkpoint
from tests.distributed.test_two_processes import STEPS, torchrun

STAGES = [sys.executable, "-m", "tests.distributed.run_divided"]
REPOSITORY = str(Path(__file__).parents[2])
SAVED_AT = "9"
"""Step at which the state is saved; at step 18 one of two processes fails to."""
STATE_BYTES = 16
"""Bytes of a weight in a saved state, without its gradient."""
HEADER = 30_000
"""Most bytes of names and places of the tensors in a file of shards."""
BYTES = 20
"""Bytes of a weight, its gradient, two moments of Adam, and the best weight so far."""

Calls = list[tuple[str, dict[str, Any]]]


def calls(data: Path, out: Path, **options: Any) -> Calls:
    """Training by maximum likelihood and by contrastive learning, in several micro-batches."""
    start = str(data / "blip.pt")
    shared: dict[str, Any] = {**STEPS, "eval_every": 20, "max_tokens": 400, "device": "cpu", "threads": 1, **options}
    shared |= {"captions": str(data / "captions.h5"), "features": str(data / "features.h5")}
    mle = {"init_from": start, "dropout": 0, "save_every": SAVED_AT, "out": str(out / "mle.pt")}
    cl = {"ref": start, "k": 1, "lora": 2, "gradient_checkpointing": True, "clip_norm": 1.0, "out": str(out / "cl.pt")}
    return [("train_cl", {**shared, **cl}), ("train_mle", {**shared, **mle})]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with captions.h5, a tiny blip.pt and its features.h5."""
    from tests.hugging_face.tiny_models import save_tiny  # with transformers, which takes seconds to import

    folder = tmp_path_factory.mktemp("data")
    scenes = clcap_cli.make_scenes(folder / "scenes", train=21, val=7, test=1)
    splits = {split: [scenes / f"captions_{split}.json"] for split in ("train", "val", "test")}
    captions = clcap_cli.prepare_captions(**splits, out=folder / "captions.h5")
    model = save_tiny("blip", folder / "blip", open_captions(captions).tokenizer.words)
    blip = clcap_cli.import_captioner(str(model), captions, folder / "blip.pt")
    clcap_cli.extract_features(captions, images=[scenes / "images"], encoder=blip, out=folder / "features.h5")
    return folder


@pytest.fixture(scope="module")
def folders(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders with the checkpoints of one process and of two that divide the model."""
    one, two = (tmp_path_factory.mktemp(name) for name in ("one", "two"))
    threads = torch.get_num_threads()
    for name, options in calls(data, one):
        getattr(clcap_cli, name)(**options)
    torch.set_num_threads(threads)
    (two / "stopped").mkdir()
    _, (name, options) = calls(data, two / "stopped", fsdp=True)
    divided = json.dumps([*calls(data, two, fsdp=True), (name, {**options, "resume": True})])
    done = torchrun(2, "env", f"PYTHONPATH={REPOSITORY}", *STAGES, divided, cwd=two)
    assert done.returncode == 0, done.stderr
    (two / "stderr.txt").write_text(done.stderr)
    return one, two


def check_equal_weights(found: Path, expected: Path) -> None:
    weights = open_checkpoint(found).weights
    for name, weight in open_checkpoint(expected).weights.items():
        if not name.endswith("key.bias"):  # changes no attention, so its gradient is nothing but rounding
            torch.testing.assert_close(weights[name], weight, atol=1e-5, rtol=0, msg=name)


@pytest.mark.parametrize("name", ["mle", "cl"])
def test_weights_after_20_steps(folders: tuple[Path, Path], name: str) -> None:
    one, two = (folder / f"{name}.pt" for folder in folders)
    check_equal_weights(two, one)


def test_two_processes_continue(folders: tuple[Path, Path]) -> None:
    stopped = folders[1] / "stopped"
    assert (
        f"continuing from {stopped / 'mle.state.pt'}: epoch 4.5 (step 9)\n" in (folders[1] / "stderr.txt").read_text()
    )
    check_equal_weights(stopped / "mle.pt", folders[0] / "mle.pt")
    assert not list(stopped.glob("mle.state.*"))


def test_one_process_continues_without_the_option(data: Path, folders: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copy(folders[1] / "mle.state.pt", tmp_path)
    shutil.copytree(folders[1] / "mle.state.shards-1", tmp_path / "mle.state.shards-1")
    (_, (_, options)) = calls(data, tmp_path)
    clcap_cli.train_mle(**options, resume=True)
    check_equal_weights(tmp_path / "mle.pt", folders[0] / "mle.pt")
    assert not list(tmp_path.glob("mle.state.*"))


def test_a_save_that_fails_in_one_process_keeps_the_earlier_state(folders: tuple[Path, Path]) -> None:
    message = f"{folders[1] / 'mle.state.pt'} cannot be written: No space left on device; training continues"
    assert (folders[1] / "stderr.txt").read_text().count(message) == 1
    assert sorted(path.name for path in folders[1].glob("mle.state.*")) == ["mle.state.pt", "mle.state.shards-1"]


def test_each_process_writes_half(folders: tuple[Path, Path]) -> None:
    weights = open_checkpoint(folders[1] / "mle.pt").weights.values()
    sizes = [path.stat().st_size for path in (folders[1] / "mle.state.shards-1").iterdir()]
    assert len(sizes) == 2
    assert max(sizes) < 0.52 * STATE_BYTES * sum(weight.numel() for weight in weights) + HEADER
    assert (folders[1] / "mle.state.pt").stat().st_size < min(sizes)


def test_each_process_holds_half(folders: tuple[Path, Path]) -> None:
    whole = BYTES * sum(weight.numel() for weight in open_checkpoint(folders[1] / "mle.pt").weights.values())
    held = [json.loads((folders[1] / f"held-{rank}.json").read_text()) for rank in range(2)]
    assert max(held) < 0.52 * whole


def test_one_process_has_nothing_to_divide(usage_error_of: Callable[..., str]) -> None:
    message = usage_error_of("train-mle", "captions.h5", "features.h5", "--fsdp")
    assert "--fsdp: this is one process; start several with torchrun --nproc-per-node" in message
