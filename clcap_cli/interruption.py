"""The signal, SIGINT (Ctrl-C) or SIGTERM, that ended this process's command. This module is fast to import."""

import signal
from collections.abc import Callable

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


def reset() -> None:
    """Forget earlier interruptions."""
    INTERRUPTION.number, INTERRUPTION.is_reported, INTERRUPTION.kept = signal.SIGINT, False, ""
