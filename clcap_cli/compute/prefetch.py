"""Loading the data of the next steps in a thread while the current step computes."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
LoadedT = TypeVar("LoadedT")
LOOKAHEAD = 2


class Prefetcher(Generic[ItemT, LoadedT]):
    """Iterate over ``load(item)`` of all items, computed in a thread up to two items ahead."""

    def __init__(self, load: Callable[[ItemT], LoadedT], items: Iterable[ItemT]):
        self.load, self.items = load, items
        self.wait_seconds = 0.0
        """Seconds for which the consumer waited for data."""

    def __iter__(self) -> Generator[LoadedT, None, None]:
        pending: deque[Future[LoadedT]] = deque()
        with ThreadPoolExecutor(1) as thread:
            for item in self.items:
                pending.append(thread.submit(self.load, item))
                if len(pending) > LOOKAHEAD:
                    yield self._next(pending)
            while pending:
                yield self._next(pending)

    def _next(self, pending: deque[Future[LoadedT]]) -> LoadedT:
        started = time.monotonic()
        try:
            return pending.popleft().result()
        finally:
            self.wait_seconds += time.monotonic() - started
