"""Seconds of every stage on a few tiny images, nearly all of which it spends on imports and checks.

python -m tests.benchmarks.start --before ../earlier
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.benchmarks.measure import alternate, compared
from tests.benchmarks.worker import ROOT

TRAIN = ["--epochs", "1", "--hidden", "32", "--embedding", "24", "--device", "cpu"]
STAGES = {
    "make-scenes": ["scenes", "--train", "24", "--val", "8", "--test", "10"],
    "prepare-captions": [f"--{split}=scenes/captions_{split}.json" for split in ("train", "val", "test")],
    "extract-features": ["captions.h5", "--images", "scenes/images", "--image-size", "64", "--device", "cpu"],
    "train-mle": ["captions.h5", "features.h5", "--model", "neuraltalk2", *TRAIN, "--out", "nt.pt"],
    "train-cl": ["--ref", "nt.pt", "--k", "1", "--epochs", "1", "--device", "cpu", "--out", "cl.pt"],
    "caption": ["cl.pt", "--out", "cl.json"],
    "self-retrieve": ["cl.pt", "--out", "cl.retrieval.json"],
    "evaluate": ["cl.json", "--metrics", "BLEU,CIDEr", "--out", "cl.metrics.json"],
    "compare": ["cl.metrics.json", "cl.metrics.json"],
    "report": ["cl.metrics.json", "--out", "report.html"],
    "swap-reference": ["--ref", "nt.pt", "--candidate", "cl.pt", "--out", "next.pt"],
    "show": ["cl.pt"],
    "doctor": [],
}
"""Arguments of the stages in the order of the workflow; each reads the files of those before it."""


def seconds_of(checkout: Path, folder: Path, *arguments: str) -> float:
    """Seconds of Python with ``arguments`` in a copy of ``folder``, with clcap from ``checkout``."""
    environment = os.environ | {"PYTHONPATH": str(checkout.resolve())}
    with tempfile.TemporaryDirectory() as name:
        copy = shutil.copytree(folder, Path(name) / "copy")
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, check=True)
        return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="number of timings of each checkout, alternating")
    parser.add_argument("--before", type=Path, nargs="+", default=[], help="checkouts of earlier commits")
    given = parser.parse_args()
    checkouts = {"now": ROOT, **{f"as {path.name}": path for path in given.before}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        times = alternate({"now": partial(seconds_of, ROOT, folder, "-c", "import torch")}, given.runs)
        print(f"importing PyTorch alone: {compared(times)}", flush=True)
        for stage, arguments in STAGES.items():
            command = ["-m", "clcap_cli", stage, *arguments]
            sides = {label: partial(seconds_of, path, folder, *command) for label, path in checkouts.items()}
            print(f"{stage}: {compared(alternate(sides, given.runs))}", flush=True)
            subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, check=True)


if __name__ == "__main__":
    main()
