"""Messages and progress on stderr, answers on stdout; whatever is printed goes through here.

stdout is left to the path of what was written, and to what a stage was asked to show.
"""

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from clcap_cli.errors import ClcapError
from clcap_cli.verbosity import VERBOSITY

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress, ProgressColumn
    from rich.text import Text

T = TypeVar("T")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Marks that would move the cursor, colour the screen, end the line, turn the text round, or be no text at all."""
SECONDS_BETWEEN_LINES, SECONDS_BETWEEN_DRAWINGS = 10.0, 0.25


def visible(text: str) -> str:
    """``text`` with the marks that a terminal would obey written out, as ``\\x1b`` for example."""
    return _UNSEEN.sub(lambda mark: mark[0].encode("unicode_escape").decode(), text)


@cache
def stderr() -> "Console":
    """The one console of messages."""
    from rich.console import Console

    return Console(stderr=True, soft_wrap=True, highlight=False)


def stdout() -> "Console":
    """A console for answers that are more than lines; where nobody watches, as wide as they are."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 10_000, highlight=False)


def say(message: str) -> None:
    """Print one line for the person who watches, unless --quiet."""
    show_unless_quiet(shown(message))


def show_unless_quiet(content: "RenderableType") -> None:
    """Print what rich can print for the person who watches, unless --quiet."""
    if VERBOSITY.messages:
        stderr().print(content)


def detail(message: str) -> None:
    """Print one line for the person who wants to know more, with --verbose."""
    if VERBOSITY.details:
        alert(message)


def warn(message: str) -> None:
    """Print a warning, also with --quiet."""
    alert(f"warning: {message}")


def alert(message: str) -> None:
    """Print one line, also with --quiet."""
    stderr().print(shown(message))


@contextmanager
def status(message: str) -> Iterator[None]:
    """Show ``message`` while the block runs: at once in a terminal, elsewhere as a line if it takes long."""
    if not VERBOSITY.messages:
        yield
        return
    is_terminal = sys.stderr.isatty()
    timer = Timer(SECONDS_BETWEEN_LINES, say, [message])
    timer.daemon = True
    print(message, end="\r", file=sys.stderr, flush=True) if is_terminal else timer.start()
    try:
        yield
    finally:
        print("\x1b[2K", end="\r", file=sys.stderr, flush=True) if is_terminal else timer.cancel()


def tell(line: str) -> None:
    """Print one line of an answer at once, so that a pipe sees the progress of slow commands."""
    print(visible(line), flush=True)


def shown(text: str, style: str = "") -> "Text":
    """``text`` as rich prints it, which would obey markup and emoji names in it."""
    from rich.text import Text

    return Text(visible(text), style)


@contextmanager
def answering() -> Iterator[None]:
    """Turn a failure of stdout, such as a full disk or a reader that is gone, into an error like any other.

    What is in its buffer is written at the end.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    with redirect_stdout(_Answers(sys.stdout)):
        yield
        sys.stdout.flush()


class _Answers:
    """stdout, but what goes wrong with it is a ClcapError, which neither Typer nor rich deals with by itself."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._told():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._told():
            self._stream.flush()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ClcapError(f"stdout cannot be written: {error.strerror}") from error


def give_path(path: Path) -> None:
    """Print the path of what was written: exactly as it is for scripts, visibly for people."""
    print(visible(str(path)) if sys.stdout.isatty() else path)


def watching(what: str) -> Callable[[Iterable[T], int], Iterator[T]]:
    """``progress`` for those who do not know what they are counting."""
    return lambda items, total: progress(items, total, what)


def progress(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Pass ``items`` on while showing how many of ``total`` are done.

    A terminal and a notebook show a bar, which is gone at the end; elsewhere there are plain lines.
    """
    if not VERBOSITY.messages:
        yield from items
    elif stderr().is_terminal:
        yield from _bar(items, total, what)
    elif stderr().is_jupyter and total > 1:  # every bar leaves an output behind, though an empty one
        yield from _notebook_bar(items, total, what)
    else:
        yield from _lines(items, total, what)


def _bar(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    with _empty_bar() as bar:
        yield from bar.track(items, total=total, description=what)


def _notebook_bar(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """A bar in the output of a cell; rich itself would need ipywidgets for that."""
    from IPython.display import display

    bar = _empty_bar()
    task, drawn = bar.add_task(what, total=total), time.monotonic()
    cell = display(bar, display_id=True)
    try:
        for item in items:
            yield item
            bar.advance(task)
            if time.monotonic() - drawn >= SECONDS_BETWEEN_DRAWINGS:
                cell.update(bar)
                drawn = time.monotonic()
    finally:
        cell.update({"text/plain": "", "text/html": ""}, raw=True)


def _empty_bar() -> "Progress":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _rate(), TimeRemainingColumn())
    return Progress(*columns, console=stderr(), transient=True)


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
            say(f"{what}: {done}/{total}, {rate:.1f}/s{left}")
