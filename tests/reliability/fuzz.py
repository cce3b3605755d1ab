"""``python -m tests.reliability.fuzz FORMAT …|all``: read mutated files of some formats, and print the outcomes.

The exit status is 1 if an input gave anything but a clean refusal or an accepted file.
"""

import argparse
import os
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from tests.reliability import formats

FORMATS = sorted(module.name for module in iter_modules(formats.__path__))
"""Names of the formats: one module of ``formats/`` each, with a ``Format`` called FORMAT."""


def main() -> int:
    """Run the formats of the command line one after the other in this process, which forks only workers."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.fuzz", description=__doc__)
    parser.add_argument("formats", metavar="FORMAT", nargs="+", choices=[*FORMATS, "all"], help="format, or all")
    parser.add_argument("--inputs", type=int, default=20_000, help="number of mutated files per format")
    parser.add_argument("--seed", type=int, default=0, help="seed of the mutations")
    parser.add_argument("--failures", type=Path, help="folder for inputs with a failure")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process with threads cannot be forked safely
    chosen = FORMATS if "all" in given.formats else given.formats
    return max([_fuzz(name, given.inputs, given.seed, given.failures) for name in chosen])


def _fuzz(name: str, inputs: int, seed: int, failures: Path | None) -> int:
    """Fuzz one format; returns the exit status, which is 1 after an error too, so that the other formats go on."""
    from tests.reliability.fuzzing import fuzz

    started = time.monotonic()
    try:
        summary = fuzz(import_module(f"{formats.__name__}.{name}").FORMAT, inputs, seed, failures)
    except Exception:
        print(f"{name}: {traceback.format_exc()}", flush=True)
        return 1
    print(f"{summary}, in {time.monotonic() - started:.0f} s", flush=True)
    return 1 if summary.failures else 0


if __name__ == "__main__":
    sys.exit(main())
