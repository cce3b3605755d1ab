"""Restoring process-wide settings, such as the number of threads, when a stage ends.

A stage may run in the process of a notebook, which should not notice it. This module is fast to import.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

_CLEANUP: ContextVar[ExitStack | None] = ContextVar("cleanup", default=None)


@contextmanager
def stage_cleanup() -> Iterator[None]:
    """At the end of the block, call the functions passed to ``at_stage_end`` within it, the last one first."""
    with ExitStack() as stack:
        token = _CLEANUP.set(stack)
        try:
            yield
        finally:
            _CLEANUP.reset(token)


def at_stage_end(undo: Callable[[], object]) -> bool:
    """Call ``undo`` when the running stage ends; return False outside of stages, where nothing calls it."""
    stack = _CLEANUP.get()
    if stack is not None:
        stack.callback(undo)
    return stack is not None


def set_until_stage_end(variable: ContextVar[T], value: T) -> None:
    """Set ``variable`` to ``value`` until the running stage ends."""
    token = variable.set(value)
    at_stage_end(lambda: variable.reset(token))
