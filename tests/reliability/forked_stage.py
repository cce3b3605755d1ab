"""Stages in processes forked from this one, which has imported everything, so that a run takes less than a second."""

import os
import pkgutil
import re
import signal
import sys
import time
from importlib import import_module
from pathlib import Path

import clcap_cli

LOG = "soak.log"
"""Output of the last run in a folder."""


FAST = "clcap_cli.(app|artifacts.(captions|json_files|references|results)|datasets.*|evaluation.(inputs|left_out))"
"""Modules that stages without PyTorch need."""


def import_everything(slow: bool) -> None:
    """Import the modules of clcap and what they import in functions, unless ``slow`` is False, without PyTorch."""
    for module in pkgutil.walk_packages(clcap_cli.__path__, "clcap_cli."):
        if not module.name.endswith("__main__") and (slow or re.fullmatch(FAST, module.name)):
            import_module(module.name)
    for name in ("h5py", "PIL.Image", *(("timm", "matplotlib.figure") if slow else ())):
        import_module(name)
    if slow:
        import_module("torch").set_num_threads(1)  # other threads would not survive a fork


def start(folder: Path, command: str) -> int:
    """Start a command in ``folder`` and return its process id."""
    process = os.fork()
    if process == 0:
        try:
            _run(folder, command)
        finally:
            os._exit(99)
    return process


def _run(folder: Path, command: str) -> None:
    """Run a command in this process, which ends with its exit status."""
    from clcap_cli.__main__ import main

    os.chdir(folder)
    log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout, sys.stderr = open(1, "w"), open(2, "w")  # noqa: SIM115  (pytest may have replaced them)
    sys.argv = ["clcap", *command.split()]
    try:
        main()
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(end.code or 0))


def finish(folder: Path, command: str) -> float:
    """Run a command to its end and return the seconds that it took; raises RuntimeError if it fails."""
    started = time.monotonic()
    _, status = os.waitpid(start(folder, command), 0)
    if status != 0:
        raise RuntimeError(f"clcap {command} ended with {status}: {(folder / LOG).read_text()}")
    return time.monotonic() - started


def kill(process: int) -> bool:
    """Kill a process started with ``start``; returns False if it had ended before."""
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status)
