"""Where clcap starts: it listens for Ctrl-C before it imports anything that takes a while."""

import os
import signal
import sys
from typing import TextIO


def main() -> None:
    """Run the command line: exit 0 done, 1 could not be done, 2 wrong command line, 130 interrupted."""
    sys.stdout, sys.stderr = _open(sys.stdout), _open(sys.stderr)
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        from clcap_cli.app import main as run

        status = run()
    except KeyboardInterrupt:
        status = _interrupted()
    except OSError:  # the last that is left: stderr itself, so that nobody can be told
        if os.environ.get("CLCAP_DEBUG"):
            raise
    finally:
        for stream in (sys.stdout, sys.stderr):
            _let_go(stream)
    sys.exit(status)


def _open(stream: TextIO | None) -> TextIO:
    """The stream; a stand-in where the shell had closed it."""
    return stream or open(os.devnull, "w")  # noqa: PTH123  (pathlib takes a while)


def _interrupted() -> int:
    for further in (signal.SIGINT, signal.SIGTERM):
        signal.signal(further, signal.SIG_IGN)
    print("interrupted; no file is half-written, and the old ones are as they were", file=sys.stderr)
    return 130


def _let_go(stream: TextIO) -> None:
    """Write what is left; where that fails, drop it, or Python would try again at its end and complain."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
