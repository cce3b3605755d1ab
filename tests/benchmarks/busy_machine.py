"""An epoch of train-cl alone and next to busy processes, with several ways for its threads to wait for each other.

    python -m tests.benchmarks.busy_machine nt.pt --busy 4

With T threads beside B busy processes on C cores, a fair scheduler gives the training T / (T + B) of C cores: the fair
share is the time alone times what is missing to T cores. Each way is timed in turn with the others, alone and busy.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TRAIN = """
from pathlib import Path
from clcap_cli.stages.train_cl import train_cl
train_cl(Path({checkpoint!r}), epochs=1, no_cache=True, out=Path({out!r}), threads={threads})
"""
BUSY = "while True: pass"


def epoch_seconds(checkpoint: Path, environment: dict[str, str], threads: int) -> float:
    """Seconds of the first epoch, without start-up and the initial validation."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "cl.pt")
        code = TRAIN.format(checkpoint=str(checkpoint), out=str(out), threads=threads)
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **environment},
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return json.loads(out.with_suffix(".log.jsonl").read_text().splitlines()[1])["seconds"]


def busy_epoch_seconds(busy: int, checkpoint: Path, environment: dict[str, str], threads: int) -> float:
    """Seconds of the first epoch next to ``busy`` processes that never wait."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(busy)]
    try:
        return epoch_seconds(checkpoint, environment, threads)
    finally:
        for one in others:
            one.kill()
            one.wait()


def parse_arguments() -> argparse.Namespace:
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--busy", type=int, default=4, help="number of busy processes next to the training")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    ways = ["clcap", "libgomp", "0"]
    parser.add_argument("--spin", nargs="*", default=ways, help="clcap, libgomp, or a GOMP_SPINCOUNT")
    return parser.parse_args()


def main() -> None:
    given = parse_arguments()
    environments = {name: _environment(name) for name in given.spin}
    alone: dict[str, list[float]] = {name: [] for name in environments}
    busy: dict[str, list[float]] = {name: [] for name in environments}
    for _ in range(given.runs):
        for name, environment in environments.items():
            alone[name].append(epoch_seconds(given.checkpoint, environment, given.threads))
            busy[name].append(busy_epoch_seconds(given.busy, given.checkpoint, environment, given.threads))
    share = max(1.0, (given.threads + given.busy) / (os.cpu_count() or 1))
    quickest = min(statistics.median(times) for times in alone.values())
    for name in environments:
        own, other = statistics.median(alone[name]), statistics.median(busy[name])
        print(
            f"{name}: alone {own:.1f} s ({own / quickest:.2f} x the quickest), beside {given.busy} busy processes "
            f"{other:.1f} s, {other / (share * quickest):.2f} x the fair share of {share * quickest:.1f} s"
        )


def _environment(spin: str) -> dict[str, str]:
    """Environment for clcap's setting, libgomp's default (about 5 ms of spinning), or a given spin count."""
    if spin == "clcap":
        return {}
    return {"GOMP_SPINCOUNT": "300000" if spin == "libgomp" else spin}


if __name__ == "__main__":
    main()
