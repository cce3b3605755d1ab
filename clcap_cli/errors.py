"""Errors that a user can cause, and their messages.

A message says in one or two lines what is wrong, where, and what to do about it. The command line prints it and exits
with status 1. Any other exception is a bug in clcap and is shown with its traceback.
"""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class ClcapError(Exception):
    """A request that cannot be carried out, with a message written for the user."""


class NoSuchFileError(ClcapError):
    """An input file that does not exist."""


class InvalidValueError(ClcapError):
    """A parameter value that is invalid, alone or in combination with others; on the command line, a usage error."""

    def __init__(self, parameter: str, reason: str):
        super().__init__(f"{parameter}: {reason}")
        self.parameter, self.reason = parameter, reason


class WrittenError(ClcapError):
    """An error of a stage that has written its file all the same."""

    def __init__(self, written: Path, problem: str):
        super().__init__(f"{written} is written, but {problem}")
        self.written = written


class MissingFilesError(ClcapError):
    """Files that a metric needs and that no package contains are missing; ``short`` says so in a few words."""

    def __init__(self, message: str, short: str):
        super().__init__(message)
        self.short = short


class NonFiniteError(ClcapError):
    """A number computed by a model that is NaN or infinite."""


OUT_OF_MEMORY_PHRASES = ("can't allocate memory", "not enough memory", "out of memory")
"""Phrases by which PyTorch reports a lack of memory, on CPUs and on GPUs."""
EXPECTED_ERRORS = (ClcapError, OSError, MemoryError, RecursionError, UnicodeError)
"""Errors that the command line reports without a traceback.

All but the first come from the machine or the input, at places where no stage handles them.
"""


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether PyTorch raised ``error`` because there was not enough memory."""
    return any(phrase in str(error) for phrase in OUT_OF_MEMORY_PHRASES)


def message_of(error: BaseException) -> str:
    """The one-line message for an error of one of the ``EXPECTED_ERRORS``."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, RecursionError):
        return "the input is nested too deeply"
    if isinstance(error, MemoryError):
        return f"not enough memory{f': {error}' if str(error) else ''}"
    return str(error) or type(error).__name__


def first_line_of(error: BaseException) -> str:
    """The first line of an error's message; its type if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def first_few(items: Sequence[object], number: int = 5) -> str:
    """The first ``number`` items as text, followed by an ellipsis if there are more."""
    return ", ".join(map(str, items[:number])) + (", …" if len(items) > number else "")


def unknown_name_error(kind: str, name: str, known: Iterable[str]) -> ClcapError:
    """An error for a ``kind`` of object with an unknown ``name``; its message suggests ``known`` names."""
    known = list(known)
    return ClcapError(f"unknown {kind} '{name}'; {suggestion(name, known, f'expected one of: {first_few(known)}')}")


def suggestion(name: str, known: Sequence[str], otherwise: str) -> str:
    """A hint for an unknown ``name``: the most similar ``known`` names, or ``otherwise`` if none is similar."""
    by_lower_case = {other.lower(): other for other in known}
    found = difflib.get_close_matches(name.lower(), by_lower_case, n=3, cutoff=0.6)
    similar = [by_lower_case[other] for other in found]
    if not similar:
        return otherwise
    return f"did you mean {' or '.join(', '.join(similar).rsplit(', ', 1))}?"


def damaged_file_error(path: Path, reason: str) -> ClcapError:
    """An error for a file whose content differs from anything that clcap writes."""
    return ClcapError(f"{path} is damaged: {reason}; create it again")


def reason_of(error: "ValidationError") -> str:
    """Reason why pydantic rejected a value, such as "must be greater than or equal to 1, not '0'"."""
    first = error.errors()[0]
    reason, kind, value = first["msg"], first["type"], first["input"]
    if kind == "value_error":
        return reason.removeprefix("Value error, ")
    if kind.endswith("_parsing"):
        reason = reason.partition(", ")[0]
    reason = reason.replace("Input should be", "must be").replace("Input is", "is").partition(" for <class")[0]
    return f"{reason}, not '{value}'" if isinstance(value, str | int | float) else reason
