"""How much is printed on stderr: chosen once for a process, by the command line."""

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
