"""Benchmarks of speed in one short run, one after another, each in a process of its own.

    python -m tests.benchmarks.all --before ../earlier --peer ../ImageCaptioning.pytorch
    python -m tests.benchmarks.all --device cuda --only train_step peer --peer ../ImageCaptioning.pytorch

Half an hour on 2 cores; the first run also trains the models that later runs find in the folder for trained models. Not
included, because it takes many minutes more: python -m tests.benchmarks.evaluation --images 40000 --runs 1
"""

import argparse
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from clcap_cli.compute.precision import CPU_INFO, bf16_obstacle
from tests.benchmarks.flops import product_rate
from tests.benchmarks.trained_models import TRAINED

WITH_DEVICE = ("train_step", "peer", "self_retrieval", "beam_search", "extraction", "neural_metrics")
"""Benchmarks of models and features, which also run on a GPU."""
WITHOUT_DEVICE = ("evaluation", "files", "feature_index", "start")
RECURRENT = ["--models", "neuraltalk2", "adaptive-attention"]
GPU_BATCH = "256"
Run = tuple[str, list[str]]
"""A benchmark and its options."""


def before_options(given: argparse.Namespace) -> list[str]:
    """The option of benchmarks that also measure earlier commits."""
    return ["--before", *map(str, given.before)] if given.before else []


def runs_with_device(given: argparse.Namespace) -> Iterator[Run]:
    """The benchmarks of models and features, without the option of the device."""
    before = before_options(given)
    trained = ["--trained", str(given.trained)]
    yield "train_step", [*RECURRENT, *before]
    yield "train_step", ["--models", "transformer", "--k", "0", "--captions", "real", *before]
    yield "train_step", ["--models", "neuraltalk2", "--k", "20", "--captions", "real", *before]
    if given.device != "cpu":
        yield "train_step", ["--batch-size", GPU_BATCH, "--captions", "real", *before]
    if given.peer:
        peer = ["--checkout", str(given.peer), *trained]
        yield "peer", [*peer, "--tasks", "mle", "cl", "table", *before]
        yield "peer", [*peer, "--tasks", "beam", "--images", "50", *before]
        yield "peer", [*peer, "--tasks", "beam", "--images", "500", "--runs", "3"]
    yield "self_retrieval", ["--models", "neuraltalk2", "--objectives", "mle", "--sizes", "5000", *trained]
    yield "beam_search", [*RECURRENT, "--images", "50", *trained, *before]
    yield "extraction", ["--runs", "3"]
    yield "neural_metrics", []


def runs_without_device(given: argparse.Namespace) -> Iterator[Run]:
    """The benchmarks of everything else."""
    yield "evaluation", ["--runs", "1", *before_options(given)]
    yield "files", []
    yield "feature_index", []
    yield "start", before_options(given)


def describe_machine(device: str) -> Iterator[str]:
    """The processor, the graphics card, PyTorch, and how fast the device multiplies matrices."""
    info = CPU_INFO.read_text() if CPU_INFO.exists() else ""
    models = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    yield f"{(models or [platform.machine()])[0]}, {torch.backends.cpu.get_cpu_capability()}"
    yield f"{torch.get_num_threads()} threads"
    yield f"PyTorch {torch.__version__}, Python {platform.python_version()}"
    if device != "cpu":
        yield torch.cuda.get_device_name(device)
    types = [torch.float32] if bf16_obstacle(torch.device(device)) else [torch.float32, torch.bfloat16]
    for dtype in types:
        yield f"matrix products in {dtype}: {product_rate(device, dtype) / 1e9:,.0f} GFLOP/s"


def parse_arguments(line: list[str] | None = None) -> argparse.Namespace:
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--before", type=Path, nargs="+", help="checkouts of earlier commits")
    parser.add_argument("--peer", type=Path, help="checkout of ImageCaptioning.pytorch")
    parser.add_argument("--trained", type=Path, default=TRAINED, help="folder for the trained models")
    parser.add_argument("--only", nargs="+", choices=WITH_DEVICE + WITHOUT_DEVICE, help="the benchmarks to run")
    given = parser.parse_args(line)
    if given.only and "peer" in given.only and not given.peer:
        parser.error("--only peer: add --peer with the checkout of ImageCaptioning.pytorch")
    if given.only and given.device != "cpu" and set(given.only) & set(WITHOUT_DEVICE):
        parser.error(f"--only: {', '.join(WITHOUT_DEVICE)} run on the CPU; leave out --device")
    return given


def selected(given: argparse.Namespace) -> list[Run]:
    """The benchmarks to run."""
    every = [(name, [*options, "--device", given.device]) for name, options in runs_with_device(given)]
    if given.device == "cpu":
        every += runs_without_device(given)
    return [(name, options) for name, options in every if given.only is None or name in given.only]


def main() -> None:
    given = parse_arguments()
    print(*describe_machine(given.device), sep="\n", flush=True)
    for name, options in selected(given):
        run(name, options)


def run(name: str, options: list[str]) -> None:
    """Run one benchmark, which prints its rows."""
    print(f"\n{name} {' '.join(options)}", flush=True)
    started = time.monotonic()
    process = subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}", *options], check=False)
    ended = f"ended with exit code {process.returncode} after" if process.returncode else "took"
    print(f"{name} {ended} {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
