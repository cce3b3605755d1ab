"""How much is printed on stderr: chosen by the command line for a process, less while a stage runs other stages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Verbosity:
    """Messages that are printed; warnings, errors and answers always are."""

    messages: bool = True
    """Messages and progress."""
    details: bool = False
    """The files that are read, the source of each option's value, and the device."""
    tracebacks: bool = False
    """The traceback of an error."""


VERBOSITY = Verbosity()


def reset() -> None:
    """Print messages, no details and no tracebacks."""
    VERBOSITY.messages, VERBOSITY.details, VERBOSITY.tracebacks = True, False, False


@contextmanager
def quiet() -> Iterator[None]:
    """Print no messages while the block runs."""
    before, VERBOSITY.messages = VERBOSITY.messages, False
    try:
        yield
    finally:
        VERBOSITY.messages = before
