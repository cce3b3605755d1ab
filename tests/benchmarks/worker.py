"""A side of a comparison in a process of its own, on the code of this or of another checkout.

All sides that are compared have such a process, because a process that has worked before is faster: its memory is
already there. The process imports clcap from the checkout and the benchmarks from here, so that the code of an earlier
commit is measured in the same way.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Self

import torch

from tests.benchmarks.measure import Side, alternate

ROOT = Path(__file__).parents[2]
START = """
import sys
_, checkout, root = sys.argv
sys.path.insert(0, checkout)
import clcap_cli
assert clcap_cli.__file__.startswith(checkout), clcap_cli.__file__
sys.path[0] = root
from tests.benchmarks.worker import serve
serve()
"""


class Worker:
    """Calling it lets the process work once and returns the seconds that this took."""

    def __init__(self, make: Callable[..., Side], *arguments: str | int, checkout: Path = ROOT):
        """The process works with what ``make(*arguments)`` returns there."""
        command = [sys.executable, "-c", START, str(checkout.resolve()), str(ROOT)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ask([_module_name(make), make.__qualname__, torch.get_num_threads(), *arguments])

    def __call__(self) -> float:
        return self._ask(None)

    def _ask(self, request: object) -> float:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate()


def clcap_workers(make: Callable[..., Side], *arguments: str | int, before: Sequence[Path]) -> dict[str, Worker]:
    """clcap's side as it is now, and as it was in earlier checkouts."""
    earlier = {f"as {checkout.name}": Worker(make, *arguments, checkout=checkout) for checkout in before}
    return {"now": Worker(make, *arguments)} | earlier


def run_in_turn(workers: Mapping[str, Worker], runs: int) -> dict[str, list[float]]:
    """Seconds of ``runs`` runs of all workers, which end then."""
    with ExitStack() as stack:
        for worker in workers.values():
            stack.enter_context(worker)
        return alternate(workers, runs)


def _module_name(make: Callable[..., Side]) -> str:
    spec = sys.modules[make.__module__].__spec__  # its name differs for the module that runs as __main__
    assert spec
    return spec.name


def serve() -> None:
    """Answer requests until there are no more."""
    module, name, threads, *arguments = json.loads(sys.stdin.readline())
    torch.set_num_threads(threads)
    work = getattr(import_module(module), name)(*arguments)
    print(0, flush=True)
    for _ in sys.stdin:
        print(work(), flush=True)
