"""The signal that ended this process's command. This module is fast to import."""

import errno
import os
import signal
from collections.abc import Callable

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Ctrl-C, the request to end, and the end of the terminal."""
BEFORE_SUDDEN_END: list[Callable[[], None]] = []
"""Called before a signal ends the process without the usual cleanup."""


class Interruption:
    """The signal that ended a command."""

    number: int = signal.SIGINT
    """Number of the signal; the exit status is 128 plus this number."""
    is_reported = False
    """Whether a message about it was printed."""
    kept = ""
    """What is kept of an unfinished run and how to continue it, in words that follow the message; empty if nothing."""


INTERRUPTION = Interruption()


def let_go_of_a_closed_terminal() -> None:
    """Drop what is printed from now on if the terminal is closed, because printing would fail."""
    for descriptor in (1, 2):
        try:
            os.get_terminal_size(descriptor)
        except OSError as error:
            if error.errno == errno.EIO:
                os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def reset() -> None:
    """Forget earlier interruptions."""
    INTERRUPTION.number, INTERRUPTION.is_reported, INTERRUPTION.kept = signal.SIGINT, False, ""
