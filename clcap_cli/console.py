"""Messages and progress on stderr; stdout is left to the path of what was written."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import ProgressColumn

T = TypeVar("T")
SECONDS_BETWEEN_LINES = 10.0


@cache
def stderr() -> "Console":
    """The one console of messages."""
    from rich.console import Console

    return Console(stderr=True, soft_wrap=True, highlight=False)


def say(message: str) -> None:
    """Print one line for the person who watches."""
    stderr().print(message, markup=False)


def watching(what: str) -> Callable[[Iterable[T], int], Iterator[T]]:
    """``progress`` for those who do not know what they are counting."""
    return lambda items, total: progress(items, total, what)


def progress(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Pass ``items`` on while showing how many of ``total`` are done: a bar in a terminal, plain lines elsewhere."""
    if stderr().is_terminal:
        yield from _bar(items, total, what)
    else:
        yield from _lines(items, total, what)


def _bar(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _rate(), TimeRemainingColumn())
    with Progress(*columns, console=stderr(), transient=True) as bar:
        yield from bar.track(items, total=total, description=what)


def _rate() -> "ProgressColumn":
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.1f}/s" if task.speed else "")

    return Rate()


def _lines(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    started = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES and done < total:
            last, rate = now, done / (now - started)
            left = f", {(total - done) / rate:.0f} s left"
            print(f"{what}: {done}/{total}, {rate:.1f}/s{left}", file=sys.stderr, flush=True)
