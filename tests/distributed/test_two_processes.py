"""Two processes started by torchrun compute what one process computes."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import clcap_cli
from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.features import open_features
from tests.distributed.run_stages import Calls, run
from tests.tracking.test_tensorboard import same, shown
from tests.tracking.training import log_of

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--no-python", "--nproc-per-node"]
STAGES = [sys.executable, str(Path(__file__).with_name("run_stages.py"))]
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}
STEPS = {"max_steps": 20, "epochs": 20, "patience": 20, "lr": 1e-3}
FEW_STEPS = {**STEPS, "max_steps": 6, "eval_every": 3}
OBJECTIVES = {
    "cl": {"max_tokens": 200, **STEPS},
    "cl_mixed": {"negatives": "mixed", "mle_weight": 0.1},
    "cl_pool": {"reference_pool": 6},
    "dpo": {"objective": "dpo"},
    "il": {"objective": "introspective", "mle_weight": 1},
    "gan": {"objective": "adversarial", "mle_weight": 0.1},
}
"""Options of train-cl by the name of the run."""


def calls(folder: Path) -> Calls:
    """The stages of a small workflow, which write to ``folder``."""
    # An embedding this wide gives the projection of the features a gradient that is summed without being joined.
    mle = {**STEPS, "hidden": 16, "embedding": 256, "dropout": 0}
    made = {"captions": str(folder / "captions.h5"), "features": str(folder / "features.h5")}
    start = str(folder / "mle.pt")
    trainings: Calls = [
        ("train_cl", {"ref": start, "out": str(folder / f"{name}.pt"), **FEW_STEPS, **options})
        for name, options in OBJECTIVES.items()
    ]
    return [
        ("train_mle", {**made, **mle, "out": start, "track": "tensorboard"}),
        *trainings,
        ("caption", {"checkpoints": [start], "out": str(folder / "beam.json")}),
        (
            "caption",
            {"checkpoints": [start], "temperature": 1.0, "num_captions": 2, "out": str(folder / "sampled.json")},
        ),
        ("self_retrieve", {"checkpoint": start, "out": str(folder / "retrieval.json")}),
    ]


def extraction(captions: Path, images: Path, out: Path) -> tuple[str, dict[str, Any]]:
    """The extraction of the features of all images."""
    return "extract_features", {"captions": str(captions), "images": [str(images)], "image_size": 32, "out": str(out)}


def archived(images: Path, folder: Path) -> Path:
    """A folder with three tar archives of the images, so that two processes read one and two of them."""
    (folder / "archives").mkdir()
    for number, paths in enumerate(np.array_split(sorted(images.iterdir()), 3)):
        with tarfile.open(folder / "archives" / f"{number}.tar", "w") as archive:
            for path in paths:
                archive.add(path, path.name)
    return folder / "archives"


def torchrun(count: int, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in ``count`` processes."""
    return subprocess.run(
        [*TORCHRUN, str(count), *command], env=ONE_THREAD, capture_output=True, text=True, timeout=1200, **options
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders with the results of one process and of two."""
    one, two = (tmp_path_factory.mktemp(name) for name in ("one", "two"))
    scenes = one / "scenes"
    clcap_cli.make_scenes(scenes, train=21, val=5, test=7)
    splits = {split: [scenes / f"captions_{split}.json"] for split in ("train", "val", "test")}
    clcap_cli.prepare_captions(**splits, out=one / "captions.h5")
    for name in ("captions.h5", "features.h5"):
        (two / name).symlink_to(one / name)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    run([extraction(one / "captions.h5", scenes / "images", one / "features.h5"), *calls(one)])
    torch.set_num_threads(threads)
    archives = archived(scenes / "images", two)
    in_two = extraction(one / "captions.h5", archives, two / "of_two.h5")
    done = torchrun(2, *STAGES, json.dumps([in_two, *calls(two)]))
    assert done.returncode == 0, done.stderr
    return one, two


@pytest.mark.parametrize("name", ["mle", *OBJECTIVES])
def test_weights(folders: tuple[Path, Path], name: str) -> None:
    one, two = (open_checkpoint(folder / f"{name}.pt").weights for folder in folders)
    for key, weight in one.items():
        torch.testing.assert_close(two[key], weight, atol=1e-5, rtol=0)


def test_the_first_process_alone_tracks(folders: tuple[Path, Path]) -> None:
    folder = folders[1] / "mle.tensorboard"
    assert len(list(folder.iterdir())) == 1
    assert shown(folder) == same(log_of(folders[1] / "mle.pt"))


@pytest.mark.parametrize("name", ["beam", "sampled"])
def test_captions(folders: tuple[Path, Path], name: str) -> None:
    one, two = (json.loads((folder / f"{name}.json").read_text()) for folder in folders)
    assert one == two


def test_ranks(folders: tuple[Path, Path]) -> None:
    one, two = (json.loads((folder / "retrieval.json").read_text()) for folder in folders)
    ranks = [[(image["rank"], image["tied"]) for image in found["images"]] for found in (one, two)]
    assert ranks[0] == ranks[1]
    assert one["metrics"] == two["metrics"]


def test_features(folders: tuple[Path, Path]) -> None:
    """Each process lists a part of the archives and writes a shard, and the index reads as one file."""
    one, two = (
        open_features(folder / name) for folder, name in zip(folders, ("features.h5", "of_two.h5"), strict=True)
    )
    rows = np.arange(len(one.ids))[::-1]
    assert [*two.ids] == one.ids
    assert np.array_equal(two.pooled_at(rows), one.pooled_at(rows))
    assert np.array_equal(two.grid_at(rows)[0], one.grid_at(rows)[0])
    assert [path.name for path in sorted(folders[1].glob("of_two-*.h5"))] == [
        "of_two-00001-of-00002.h5",
        "of_two-00002-of-00002.h5",
    ]
