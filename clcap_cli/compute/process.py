"""What a stage changes in its whole process, such as the number of threads, is undone when the stage ends.

The process may be somebody's notebook, which computes more than this stage. Nothing here takes time to import.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

_CLEANUP: ContextVar[ExitStack | None] = ContextVar("undoing", default=None)


@contextmanager
def stage_cleanup() -> Iterator[None]:
    """Do at the end what ``afterwards`` was given meanwhile, the last first."""
    with ExitStack() as stack:
        before = _CLEANUP.set(stack)
        try:
            yield
        finally:
            _CLEANUP.reset(before)


def at_stage_end(undo: Callable[[], object]) -> None:
    """Call ``undo`` when the running stage ends; outside of stages, never."""
    if stack := _CLEANUP.get():
        stack.callback(undo)
