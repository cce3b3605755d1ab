"""Reading what the next steps need while the current one computes."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
LoadedT = TypeVar("LoadedT")
LOOKAHEAD = 2


class Prefetcher(Generic[ItemT, LoadedT]):
    """``load`` of each item, in order, done in a thread two items before it is asked for."""

    def __init__(self, load: Callable[[ItemT], LoadedT], items: Iterable[ItemT]):
        self.load, self.items = load, items
        self.wait_seconds = 0.0
        """Seconds in which whoever asked had to wait."""

    def __iter__(self) -> Generator[LoadedT, None, None]:
        coming: deque[Future[LoadedT]] = deque()
        with ThreadPoolExecutor(1) as thread:
            for item in self.items:
                coming.append(thread.submit(self.load, item))
                if len(coming) > LOOKAHEAD:
                    yield self._next(coming)
            while coming:
                yield self._next(coming)

    def _next(self, coming: deque[Future[LoadedT]]) -> LoadedT:
        started = time.monotonic()
        try:
            return coming.popleft().result()
        finally:
            self.wait_seconds += time.monotonic() - started
