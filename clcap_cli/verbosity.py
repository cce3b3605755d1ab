"""How much is printed on stderr: chosen by the command line for a process, less while a stage runs other stages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Verbosity:
    """What is printed; errors always are."""

    messages: bool = True
    """Messages and progress."""
    details: bool = False
    """The files that are read, the source of each option's value, and the device."""
    answers: bool = True
    """Warnings and results; only the first of several processes prints them."""
    tracebacks: bool = False
    """The traceback of an error."""


VERBOSITY = Verbosity()


def reset() -> None:
    """Print messages, no details and no tracebacks."""
    vars(VERBOSITY).update(vars(Verbosity()))


@contextmanager
def quiet() -> Iterator[None]:
    """Print no messages while the block runs."""
    before, VERBOSITY.messages = VERBOSITY.messages, False
    try:
        yield
    finally:
        VERBOSITY.messages = before
