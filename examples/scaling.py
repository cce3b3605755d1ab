"""Times stages in several processes on this machine, and holds the formulas of docs/scaling.md against the files.

Scenes stand for photos, and random weights for a backbone. Every stage runs twice, with less and with more work; the
difference is the time of the work alone, without the start of the processes. This is repeated, one number of processes
after the other, and the median is shown. All processes together have --threads threads, so that one process and several
have the same cores.

Usage: python examples/scaling.py FOLDER [--images 2000] [--batch-size 60] [--processes 1 2 4] [--threads 2]
                                  [--repeats 3]
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CLCAP = [sys.executable, "-m", "clcap_cli"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--no-python"]
FEW_IMAGES, FEW_STEPS, MORE_STEPS = 64, 5, 45
SHORTEST = 1.0
"""Seconds below which the start of the processes varies more than the work takes."""


@dataclass(frozen=True)
class Work:
    """A stage with less and with more work."""

    name: str
    less: list[str]
    more: list[str]
    amount: int
    """Work of the second beyond that of the first."""
    unit: str


@dataclass(frozen=True)
class Measured:
    """What a command took."""

    seconds: float
    cpu_seconds: float
    mebibytes: float
    """Peak memory of its largest process."""

    def without(self, start: "Measured") -> "Measured":
        """What it took beyond a command with less work."""
        return Measured(self.seconds - start.seconds, self.cpu_seconds - start.cpu_seconds, self.mebibytes)


def main() -> None:
    """Make the data, run every stage with each number of processes, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--batch-size", type=int, default=60)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(options.folder)
    make_data(options.images, options.batch_size)
    print("| Stage | Processes | Time of the work (s) | Per second | Against one | CPU time (s) | Peak memory (MiB) |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for work in stages(options.images, options.batch_size):
        print_rows(work, options.processes, options.threads, options.repeats)
    print_sizes(options.images)


def make_data(images: int, batch_size: int) -> None:
    """Scenes with ``images`` more images in the split 'test' than in the split 'val', and a captioner."""
    if Path("nt.pt").exists():
        return
    for name, test in (("few", 1), ("all", FEW_IMAGES + images)):
        counts = ["--train", str(FEW_IMAGES), "--val", str(FEW_IMAGES), "--test", str(test)]
        run([*CLCAP, "make-scenes", name, *counts])
        files = [f"--{split}={name}/captions_{split}.json" for split in ("train", "val", "test")]
        run([*CLCAP, "prepare-captions", *files, "--out", f"{name}.h5"])
    run([*CLCAP, *extraction("all"), "--out", "features.h5"])
    run([*CLCAP, *training("train-mle", batch_size), "all.h5", "features.h5", "--max-steps", "20", "--out", "nt.pt"])


def extraction(name: str) -> list[str]:
    """The extraction of the images of a data set."""
    return [
        "extract-features",
        f"{name}.h5",
        "--images",
        f"{name}/images",
        "--weights",
        "random",
        "--image-size",
        "128",
    ]


def training(stage: str, batch_size: int) -> list[str]:
    """A training stage with its settings."""
    settings = ["--batch-size", str(batch_size), "--epochs", "1000", "--eval-every", "1000", "--precision", "fp32"]
    return [stage, *settings, "--no-preflight", "--seed", "1"]


def stages(images: int, batch_size: int) -> Iterator[Work]:
    """The stages that several processes can run, each with less and with more work."""
    yield Work("extract-features", [*extraction("few")], [*extraction("all")], FEW_IMAGES - 1 + images, "images")
    steps, pairs = batch_size * (MORE_STEPS - FEW_STEPS), [["--max-steps", str(n)] for n in (FEW_STEPS, MORE_STEPS)]
    mle = [*training("train-mle", batch_size), "all.h5", "features.h5"]
    yield Work("train-mle", mle + pairs[0], mle + pairs[1], steps, "images")
    cl = [*training("train-cl", batch_size), "--ref", "nt.pt", "--k", "5", "--no-cache"]
    yield Work("train-cl --k 5", cl + pairs[0], cl + pairs[1], steps, "images")
    caption, retrieve = ["caption", "nt.pt"], ["self-retrieve", "nt.pt"]
    few, more = ["--split", "val"], ["--split", "test"]
    yield Work("caption", caption + few, caption + more, images, "images")
    total = (FEW_IMAGES + images) ** 2 - FEW_IMAGES**2
    yield Work("self-retrieve", retrieve + few, retrieve + more, total, "pairs")


def print_rows(work: Work, processes: Sequence[int], threads: int, repeats: int) -> None:
    """A row for each number of processes."""
    runs = [[measure_work(work, count, threads) for count in processes] for _ in range(repeats)]
    medians = [sorted(found, key=lambda one: one.seconds)[repeats // 2] for found in zip(*runs, strict=True)]
    for count, median in zip(processes, medians, strict=True):
        if median.seconds < SHORTEST:
            print(f"| {work.name} | {count} | too short; give more --images | | | | {median.mebibytes:,.0f} |")
            continue
        speed, ratio = f"{work.amount / median.seconds:,.0f} {work.unit}", median.seconds / medians[0].seconds
        cells = [work.name, count, f"{median.seconds:.1f}", speed, f"{ratio:.2f}", f"{median.cpu_seconds:.1f}"]
        print(f"| {' | '.join(map(str, cells))} | {median.mebibytes:,.0f} |", flush=True)


def measure_work(work: Work, processes: int, threads: int) -> Measured:
    """What the work alone takes in a number of processes."""
    less, more = (measure(command, processes, threads) for command in (work.less, work.more))
    return more.without(less)


def measure(command: Sequence[str], processes: int, threads: int) -> Measured:
    """Run a stage in a number of processes, which share the threads."""
    suffix = {"train-mle": ".pt", "train-cl": ".pt", "extract-features": ".h5"}.get(command[0], ".json")
    for old in Path().glob(f"out*{suffix}"):
        old.unlink()
    launcher = CLCAP if processes == 1 else [*TORCHRUN, "--nproc-per-node", str(processes), *CLCAP]
    own = max(1, threads // processes)
    environment = os.environ | {"OMP_NUM_THREADS": str(own)}
    started = time.monotonic()
    arguments = [*launcher, *command, "--threads", str(own), "--out", f"out{suffix}"]
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        assert running.stderr
        errors = running.stderr.read()
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        sys.exit(errors.decode())
    return Measured(time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def print_sizes(images: int) -> None:
    """Sizes of files, measured and by the formulas of docs/scaling.md."""
    from clcap_cli.artifacts.features import open_features

    info, total = open_features(Path("features.h5")).backbone, images + 3 * FEW_IMAGES
    formula = total * (2 * (info.regions * info.grid_channels + info.pooled_channels) + 32)
    measured = Path("features.h5").stat().st_size
    print(f"\nfeatures.h5, {total} images: {measured:,} bytes, by the formula {formula:,}: {measured / formula:.4f}")


def run(command: Sequence[str]) -> None:
    """Run a command; its messages are shown only if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)


if __name__ == "__main__":
    main()
