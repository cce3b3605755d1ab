"""The one kind of error that a user can cause.

A message says what is wrong, where, and what to do about it, in one or two lines; the command line prints it and
exits with status 1. Anything else that is raised is a bug in clcap and keeps its traceback.
"""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path


class ClcapError(Exception):
    """What was asked for could not be done; the message is written for the user."""


def some(items: Sequence[object]) -> str:
    """The first five of them."""
    return ", ".join(map(str, items[:5])) + (", …" if len(items) > 5 else "")


def unknown_name(what: str, name: str, known: Iterable[str]) -> ClcapError:
    """An error for a name that is not in ``known``, with the nearest names that are."""
    known = list(known)
    nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known[:5]
    return ClcapError(f"unknown {what} '{name}'; the nearest known: {', '.join(nearest)}")


def damaged(path: Path, how: str) -> ClcapError:
    """An error for a file that is not as clcap wrote it."""
    return ClcapError(f"{path} is damaged: {how}; make it again")
