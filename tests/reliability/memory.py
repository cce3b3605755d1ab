"""Memory of long runs and of large data sets, as anonymous memory, which cannot be read from disk again.

``python -m tests.reliability.memory steps`` trains a tiny model for 100,000 steps and prints how memory grows.
``python -m tests.reliability.memory data`` runs stages on a features.h5 that is larger than the memory they may use.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from clcap_cli.stages.prepare_captions import prepare_captions
from clcap_cli.stages.train_mle import train_mle
from clcap_cli.training.mle_task import MleTask
from tests.benchmarks.files import write_features

SIZES, ANIMALS = ("small", "big"), ("cat", "dog")
TINY = {"embedding": 8, "hidden": 8, "device": "cpu", "threads": 1, "precision": "fp32"}
LIMIT = 3 << 29
"""Bytes of anonymous memory that stages may use for a large data set."""


def anonymous_mebibytes(process: int | str = "self") -> float:
    """Anonymous memory of a process in MiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


@contextmanager
def measured_validations() -> Iterator[list[float]]:
    """Yield a list that receives the anonymous memory in MiB at the start of each validation of train-mle."""
    found: list[float] = []
    validate = MleTask.validate

    def measure(task: MleTask) -> dict[str, float]:
        found.append(anonymous_mebibytes())
        print(f"validation {len(found) - 1:>2}: {found[-1]:7.1f} MiB of anonymous memory", flush=True)
        return validate(task)

    MleTask.validate = measure  # type: ignore[method-assign]
    try:
        yield found
    finally:
        MleTask.validate = validate  # type: ignore[method-assign]


def memory_of_training(folder: Path, out: Path, steps: int, every: int) -> list[float]:
    """Anonymous memory in MiB after each ``every`` steps of a training of ``steps`` steps, from step 0 on."""
    settings: dict[str, Any] = {"epochs": steps, "max_steps": steps, "eval_every": every, "patience": steps}
    with measured_validations() as found:
        train_mle(folder / "captions.h5", folder / "features.h5", out=out, lr=1e-4, **settings, **TINY)
    return found


def write_captions(folder: Path, images: int) -> Path:
    """Write a captions.h5 of so many training images, and 20 validation and 20 test images, with two captions each."""
    sizes, ids = {"train": images, "val": 20, "test": 20}, count()
    for split, number in sizes.items():
        own = [next(ids) for _ in range(number)]
        annotations = [
            {"id": 2 * id + big, "image_id": id, "caption": f"a {SIZES[big]} {ANIMALS[id % 2]}"}
            for id in own
            for big in (0, 1)
        ]
        content = {"images": [{"id": id, "file_name": f"{id:012}.jpg"} for id in own], "annotations": annotations}
        (folder / f"{split}.json").write_text(json.dumps(content))
    files = {split: [folder / f"{split}.json"] for split in sizes}
    return prepare_captions(**files, out=folder / "captions.h5", min_count=1)


def peak_of(*arguments: str | Path) -> tuple[float, float]:
    """Seconds and peak anonymous memory in MiB of a command of clcap that may use no more than ``LIMIT``."""
    started, peak = time.monotonic(), 0.0
    process = subprocess.Popen(
        [sys.executable, "-m", "clcap_cli", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT)),
    )
    while process.poll() is None:
        with suppress(OSError, StopIteration):
            peak = max(peak, anonymous_mebibytes(process.pid))
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"{arguments[0]} failed with status {process.returncode}")
    return time.monotonic() - started, peak


def print_growth(steps: int) -> None:
    """Print the anonymous memory of a long training every tenth of it."""
    with tempfile.TemporaryDirectory() as name:
        folder, started = Path(name), time.monotonic()
        write_captions(folder, 24)
        write_features(folder / "features.h5", 64)
        found = memory_of_training(folder, folder / "long.pt", steps, steps // 10)
        seconds = time.monotonic() - started
    growth = found[-1] - found[1]
    print(f"growth from step {steps // 10:,} to step {steps:,}: {growth:.1f} MiB, {seconds:.0f} s")


def print_peaks(images: int) -> None:
    """Print the peak memory of stages on a features.h5 of ``images`` images."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        captions, features = write_captions(folder, images), folder / "features.h5"
        write_features(features, images + 40)
        size = features.stat().st_size / 2**30
        print(f"features.h5: {size:.1f} GiB; limit of each stage: {LIMIT / 2**30:.1f} GiB of anonymous memory")
        target, trained = folder / "nt.pt", ("--max-steps", "200", "--threads", "1")
        tiny = (*trained, "--model", "adaptive-attention", "--embedding", "8", "--hidden", "8")
        for command in (
            ("train-mle", captions, features, "--out", target, *tiny),
            ("train-cl", "--ref", target, "--k", "2", *trained),
            ("caption", target, "--split", "train"),
            ("self-retrieve", target, "--split", "train"),
        ):
            seconds, peak = peak_of(*command)
            print(f"{command[0]:<14} {peak:7.1f} MiB, {seconds:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("steps", "data"))
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--images", type=int, default=15_000)
    given = parser.parse_args()
    print_growth(given.steps) if given.what == "steps" else print_peaks(given.images)


if __name__ == "__main__":
    main()
