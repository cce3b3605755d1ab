"""All printing: messages, errors and progress go to stderr; results and the paths of written files to stdout."""

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
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line separators, marks that change the text direction, and surrogates."""
_LONG_NAME = re.compile(r"\S{1000,}")
SECONDS_UNTIL_FIRST_LINE = 10.0
"""Time before the first line of progress if stderr is not a terminal."""
SECONDS_BETWEEN_DRAWINGS = 0.25
"""Time between two updates of a progress bar in a notebook."""
SECONDS_UNTIL_STATUS = 30.0
"""Time before a status line if stderr is not a terminal."""


def escaped(text: str) -> str:
    """``text`` with control characters written as escape sequences, such as ``\\x1b``."""
    return _CONTROL_CHARACTERS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


@cache
def stderr() -> "Console":
    """The shared console for messages on stderr."""
    from rich.console import Console

    return Console(stderr=True, soft_wrap=True, highlight=False)


def stdout() -> "Console":
    """A console for rich output on stdout; lines are not wrapped if stdout is not a terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 10_000, highlight=False)


def print_info(message: str) -> None:
    """Print a message on stderr, unless --quiet is given."""
    show_unless_quiet(_message(message))


def show_unless_quiet(content: "RenderableType") -> None:
    """Print anything that rich can render on stderr, unless --quiet is given."""
    if VERBOSITY.messages:
        stderr().print(content)


def print_details(message: str) -> None:
    """Print a message on stderr if --verbose is given."""
    if VERBOSITY.details:
        stderr().print(_message(message))


def print_always(message: str) -> None:
    """Print a message on stderr, even with --quiet."""
    if VERBOSITY.answers:
        stderr().print(_message(message))


def print_warning(message: str) -> None:
    """Print a warning on stderr, even with --quiet."""
    print_always(f"warning: {message}")


def print_error(message: str) -> None:
    """Print an error on stderr, even with --quiet."""
    stderr().print(_message(f"error: {message}"))


def _message(text: str) -> "Text":
    """A message as a rich Text; of a very long name in it, only both ends are shown."""
    return as_rich_text(_LONG_NAME.sub(lambda name: f"{name[0][:200]}…{name[0][-50:]}", text))


@contextmanager
def status(message: str) -> Iterator[None]:
    """Show ``message`` while the block runs: at once in a terminal, elsewhere only after ``SECONDS_UNTIL_STATUS``."""
    if not VERBOSITY.messages:
        yield
        return
    is_terminal, message = sys.stderr.isatty(), escaped(message)
    timer = Timer(SECONDS_UNTIL_STATUS, lambda: print(message, file=sys.stderr, flush=True))
    timer.daemon = True
    print(message, end="\r", file=sys.stderr, flush=True) if is_terminal else timer.start()
    try:
        yield
    finally:
        print("\x1b[2K", end="\r", file=sys.stderr, flush=True) if is_terminal else timer.cancel()


def print_result(line: str) -> None:
    """Print one line of the result on stdout and flush it, so that a pipe receives each line without delay."""
    if VERBOSITY.answers:
        print(escaped(line), flush=True)


def as_rich_text(text: str, style: str = "") -> "Text":
    """``text`` as a rich Text, so that markup and emoji codes in it are not interpreted."""
    from rich.text import Text

    return Text(escaped(text), style)


@contextmanager
def stdout_errors_as_clcap_errors() -> Iterator[None]:
    """Raise ClcapError if stdout cannot be written, for example because the disk is full or the pipe is closed.

    stdout is flushed when the block ends, so that an error in the last write is raised too.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    with redirect_stdout(_CheckedStdout(sys.stdout)):
        yield
        sys.stdout.flush()


class _CheckedStdout:
    """stdout that raises ClcapError for write errors; Typer and rich would handle an OSError themselves."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._translated():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._translated():
            self._stream.flush()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ClcapError(f"stdout cannot be written: {error.strerror}") from error


def print_path(path: Path) -> None:
    """Print the path of a written file on stdout; in a terminal, control characters are escaped."""
    if VERBOSITY.answers:
        print(escaped(str(path)) if sys.stdout.isatty() else path)


def progress_with_label(label: str) -> Callable[[Iterable[T], int], Iterator[T]]:
    """``progress`` with the label already filled in."""
    return lambda items, total: progress(items, total, label)


def progress(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Yield ``items`` while showing how many of ``total`` are done.

    A terminal and a notebook show a bar, which is removed at the end; elsewhere plain lines are printed.
    """
    if not VERBOSITY.messages:
        yield from items
    elif stderr().is_terminal:
        yield from _bar(items, total, label)
    elif stderr().is_jupyter and total > 1:  # each bar leaves an empty output in the notebook
        yield from _notebook_bar(items, total, label)
    else:
        yield from _lines(items, total, label)


def _bar(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    with _empty_bar() as bar:
        yield from bar.track(items, total=total, description=label)


def _notebook_bar(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """A bar in the output of a notebook cell; rich's own notebook bars need ipywidgets."""
    from IPython.display import display

    bar = _empty_bar()
    task, drawn = bar.add_task(label, total=total), time.monotonic()
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


def _lines(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Print progress lines at doubling intervals, so that the log of a long run stays short."""
    started, interval = time.monotonic(), SECONDS_UNTIL_FIRST_LINE
    due = started + interval
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now >= due and done < total:
            interval *= 2
            due, rate = now + interval, done / (now - started)
            print_info(f"{label}: {done}/{total}, {rate:.1f}/s, {(total - done) / rate:.0f} s left")
