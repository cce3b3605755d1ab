"""SIGINT (Ctrl-C), SIGTERM and SIGHUP during a computation that first saves what it has done."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, Self

from clcap_cli.compute.processes import processes
from clcap_cli.interruption import SIGNALS, let_go_of_a_closed_terminal
from clcap_cli.verbosity import VERBOSITY

FINISHING = "finishing this step"
REPETITION = 2.0
"""Seconds within which torchrun passes on a signal that its processes got too, as from a terminal or from SLURM."""


class StopRequestedError(BaseException):
    """Raised by the first signal inside ``StopSignals.raising``."""


class StopSignals:
    """Remembers the first signal instead of ending the process; the second one does what signals did before.

    Does nothing outside the main thread, which alone receives signals.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        """Number of the first signal."""
        self.doing: Callable[[], str] = lambda: FINISHING
        """What is finished first when a signal arrives, in words."""
        self._received_at = 0.0
        self._raises = False
        self._earlier: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._earlier[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        while self._earlier:
            signal.signal(*self._earlier.popitem())

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Raise StopRequestedError in the block as soon as the first signal arrives, or if it has arrived before."""
        self._raises = True
        try:
            if self.received is not None:
                raise StopRequestedError
            yield
        finally:
            self._raises = False

    def obey(self) -> NoReturn:
        """Do what the received signal did before: raise KeyboardInterrupt, or end the process."""
        self.__exit__()
        signal.raise_signal(self.received or signal.SIGTERM)  # another process may have received it
        raise KeyboardInterrupt

    def _receive(self, number: int, frame: FrameType | None) -> None:
        let_go_of_a_closed_terminal()
        if self.received is not None:
            if processes().count > 1 and time.monotonic() - self._received_at < REPETITION:
                return
            self.received = number
            self.obey()
        self.received, self._received_at = number, time.monotonic()
        if self._raises:
            raise StopRequestedError
        if VERBOSITY.messages:
            os.write(2, f"\n{self.doing()}; a second signal stops at once\n".encode())
