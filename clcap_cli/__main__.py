"""Where clcap starts: it listens for Ctrl-C before it imports anything that takes a while."""

import os
import signal
import sys
from types import FrameType, TracebackType
from typing import TextIO

from clcap_cli.interruption import BEFORE_SUDDEN_END, INTERRUPTION, SIGNALS, let_go_of_a_closed_terminal, reset

INTERRUPTED = "interrupted; no file is half-written, and the old ones are as they were"


def main() -> None:
    """Run the command line as a process of its own."""
    sys.excepthook = show_traceback
    _on_interruption(_stop)
    status = run()
    _on_interruption(signal.SIG_IGN)  # all is done and said
    sys.exit(status)


def run() -> int:
    """Run the command line: 0 done, 1 could not be done, 2 wrong command line, 129, 130 or 143 interrupted."""
    reset()
    sys.stdout, sys.stderr = _open(sys.stdout), _open(sys.stderr)
    try:
        from clcap_cli.app import main

        return main()
    except KeyboardInterrupt:
        _on_interruption(signal.SIG_IGN)
        if not INTERRUPTION.is_reported:
            print(INTERRUPTED + INTERRUPTION.kept, file=sys.stderr)
        return 128 + INTERRUPTION.number
    except OSError:  # the last that is left: stderr itself, so that nobody can be told
        from clcap_cli.verbosity import VERBOSITY

        if VERBOSITY.tracebacks:
            raise
        return 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            _let_go(stream)


def show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of an error with control characters escaped, because messages contain names of files."""
    import traceback

    from clcap_cli.console import escaped

    for line in "".join(traceback.format_exception(kind, error, trace)).removesuffix("\n").split("\n"):
        print(escaped(line), file=sys.stderr)


def _on_interruption(do: "signal._HANDLER") -> None:
    """What the signals that end clcap do from now on; a background job that was told not to hear one does not."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, do)


def _stop(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt; but end at once during an import, where some libraries would swallow it or crash."""
    INTERRUPTION.number = number
    let_go_of_a_closed_terminal()
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os.write(2, f"{INTERRUPTED}{INTERRUPTION.kept}\n".encode())
            for tidy in BEFORE_SUDDEN_END:
                tidy()
            os._exit(128 + number)
        frame = frame.f_back
    raise KeyboardInterrupt


def _open(stream: TextIO | None) -> TextIO:
    """The stream; a stand-in where the shell had closed it."""
    return stream or open(os.devnull, "w")  # noqa: PTH123  (pathlib takes a while)


def _let_go(stream: TextIO) -> None:
    """Write what is left; where that fails, drop it, or Python would try again at its end and complain."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
