"""The one kind of error that a user can cause.

A message says what is wrong, where, and what to do about it, in one or two lines; the command line prints it and
exits with status 1. Anything else that is raised is a bug in clcap and keeps its traceback.
"""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class ClcapError(Exception):
    """What was asked for could not be done; the message is written for the user."""


class InvalidValueError(ClcapError):
    """A value that a parameter cannot have, or not beside the others; of a command line, a wrong one."""

    def __init__(self, parameter: str, reason: str):
        super().__init__(f"{parameter}: {reason}")
        self.parameter, self.reason = parameter, reason


OUT_OF_MEMORY_PHRASES = ("can't allocate memory", "not enough memory", "out of memory")
"""How PyTorch words it, on processors and on GPUs."""
EXPECTED_ERRORS = (ClcapError, OSError, MemoryError, RecursionError, UnicodeError)
"""What the command line words; all but the first are the doing of machine or input where no stage thought of it."""


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether PyTorch raised it because there was not enough memory."""
    return any(words in str(error) for words in OUT_OF_MEMORY_PHRASES)


def message_of(error: BaseException) -> str:
    """An error of EXPECTED_ERRORS as one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, RecursionError):
        return "the input is nested too deeply"
    if isinstance(error, MemoryError):
        return f"not enough memory{f': {error}' if str(error) else ''}"
    return str(error) or type(error).__name__


def first_few(items: Sequence[object]) -> str:
    """The first five of them."""
    return ", ".join(map(str, items[:5])) + (", …" if len(items) > 5 else "")


def unknown_name_error(what: str, name: str, known: Iterable[str]) -> ClcapError:
    """An error for a name that is not in ``known``, with the names that are most like it."""
    return ClcapError(f"unknown {what} '{name}'; {suggestion(name, list(known))}")


def suggestion(name: str, known: Sequence[str]) -> str:
    """What a person may have meant by ``name``: the most similar of the ``known`` names, else the first five."""
    similar = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if not similar:
        return f"expected one of: {first_few(known)}"
    return f"did you mean {' or '.join([', '.join(similar[:-1]), similar[-1]][len(similar) == 1 :])}?"


def damaged_file_error(path: Path, how: str) -> ClcapError:
    """An error for a file that is not as clcap wrote it."""
    return ClcapError(f"{path} is damaged: {how}; make it again")


def reason_of(error: "ValidationError") -> str:
    """Why pydantic refused a value, such as "must be greater than or equal to 1, not '0'"."""
    first = error.errors()[0]
    reason, kind, value = first["msg"], first["type"], first["input"]
    if kind == "value_error":
        return reason.removeprefix("Value error, ")
    if kind.endswith("_parsing"):
        reason = reason.partition(", ")[0]
    reason = reason.replace("Input should be", "must be").replace("Input is", "is").partition(" for <class")[0]
    return f"{reason}, not '{value}'" if isinstance(value, str | int | float) else reason
