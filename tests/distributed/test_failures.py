"""Processes that end too early, and what is said and kept then."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import clcap_cli
from clcap_cli.artifacts.checkpoints import open_checkpoint
from tests.distributed.test_two_processes import ONE_THREAD, TORCHRUN, torchrun

CLCAP = [TORCHRUN[0], "-m", "clcap_cli"]
MLE = "--hidden 16 --embedding 16 --dropout 0 --epochs 400 --patience 400 --eval-every 100 --save-every 20"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A captions.h5 and a features.h5."""
    folder = tmp_path_factory.mktemp("data")
    clcap_cli.make_scenes(folder / "scenes", train=21, val=5, test=5)
    splits = {split: [folder / f"scenes/captions_{split}.json"] for split in ("train", "val", "test")}
    clcap_cli.prepare_captions(**splits, out=folder / "captions.h5")
    clcap_cli.extract_features(
        folder / "captions.h5", images=[folder / "scenes/images"], image_size=32, out=folder / "features.h5"
    )
    return str(folder / "captions.h5"), str(folder / "features.h5")


def workers_of(pid: int) -> dict[int, int]:
    """The process ids of the children of torchrun by rank."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    variables = {child: Path(f"/proc/{child}/environ").read_bytes().split(b"\0") for child in children}
    ranks = {child: next(v for v in found if v.startswith(b"RANK=")) for child, found in variables.items()}
    return {int(rank.removeprefix(b"RANK=")): int(child) for child, rank in ranks.items()}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the processes in /proc")
def test_a_run_is_continued_by_fewer_processes(clcap: Callable, data: tuple[str, str], tmp_path: Path) -> None:
    """One of two processes is killed; one process continues from the saved state, as if nothing had happened."""
    whole, killed = tmp_path / "whole.pt", tmp_path / "killed.pt"
    stage = ["train-mle", *data, *MLE.split(), "--max-steps", "200", "--out"]
    command = [*TORCHRUN, "2", *CLCAP, *stage, str(killed)]
    running = subprocess.Popen(command, env=ONE_THREAD, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "killed.state.pt").exists():
        assert running.poll() is None
        time.sleep(0.05)
    os.kill(workers_of(running.pid)[1], signal.SIGKILL)
    _, errors = running.communicate(timeout=600)
    assert running.returncode == 1
    assert "SIGKILL" in errors
    assert "Traceback (most recent call last)" not in errors.partition("torch/distributed/elastic")[0]
    assert [clcap(*stage, killed, "--resume").status, clcap(*stage, whole).status] == [0, 0]
    weights = open_checkpoint(whole).weights
    for name, weight in open_checkpoint(killed).weights.items():
        torch.testing.assert_close(weight, weights[name], atol=1e-4, rtol=0)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the processes in /proc")
def test_a_stopped_run_says_how_to_continue(data: tuple[str, str], tmp_path: Path) -> None:
    """SIGTERM to one process stops both after the same step, and the state is saved."""
    command = [*TORCHRUN, "2", *CLCAP, "train-mle", *data, *MLE.split(), "--out", str(tmp_path / "mle.pt")]
    running = subprocess.Popen(command, env=ONE_THREAD, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "mle.state.pt").exists():
        assert running.poll() is None
        time.sleep(0.05)
    os.kill(workers_of(running.pid)[1], signal.SIGTERM)
    _, errors = running.communicate(timeout=600)
    assert "interrupted at epoch" in errors
    assert "continue with: torchrun --nproc-per-node 2 -m clcap_cli train-mle" in errors


def test_each_error_is_printed_once(data: tuple[str, str], tmp_path: Path) -> None:
    missing, scenes = tmp_path / "missing.h5", tmp_path / "scenes"
    clcap = " ".join(CLCAP)
    done = torchrun(2, "sh", "-c", f"{clcap} make-scenes {scenes}; {clcap} train-mle {missing} {data[1]}")
    assert done.returncode == 1
    assert done.stderr.count(f"error: no such file: {missing}") == 1
    assert "error: make-scenes runs in one process; start it without torchrun" in done.stderr
    assert not scenes.exists()
