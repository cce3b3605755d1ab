"""The command that continues an interrupted run, and what is said about earlier runs with the same output."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from clcap_cli.console import print_info
from clcap_cli.errors import ClcapError, first_few

RESUME = "--resume"
TORCHRUN = "TORCHELASTIC_RUN_ID"
"""Environment variable that torchrun sets."""


def continuing_command(stage: str) -> str:
    """The command line of this process with --resume added, or the Python call that continues ``stage``."""
    words = sys.argv[1:]
    if not _is_command_line(Path(sys.argv[0])):
        return f"{stage.replace('-', '_')}(..., resume=True)"
    if stage not in words or RESUME in words:
        return shlex.join([*_program(), *words])
    end = words.index("--") if "--" in words else len(words)
    return shlex.join([*_program(), *words[:end], RESUME, *words[end:]])


def _program() -> list[str]:
    """The words that start clcap as this process was started; the number of processes may be another one."""
    if TORCHRUN not in os.environ:
        return ["clcap"]
    return ["torchrun", "--nproc-per-node", os.environ["LOCAL_WORLD_SIZE"], "-m", "clcap_cli"]


def print_finished(out: Path) -> None:
    """Say that a run with --resume has nothing to do."""
    print_info(f"{out} is finished: an earlier run with the same settings and inputs wrote it")


def print_nothing_to_resume(saved: Path) -> None:
    """Say that a run with --resume found nothing at ``saved``, where an interrupted run saves what it has done."""
    print_info(f"nothing to resume: no {saved}; starting from the beginning")


def other_run_error(saved: Path, differences: Sequence[str], changed: Sequence[Path] = ()) -> ClcapError:
    """An error for ``saved``, written by a run with other settings or inputs; ``changed`` are inputs that changed."""
    since = f"{first_few(changed)} changed since then; " if changed else ""
    restore = "restore the earlier version and " if changed else ""
    return ClcapError(
        f"{saved} belongs to another run: {'; '.join(differences)}; {since}to continue that run, {restore}repeat its "
        f"command, and to start another one, give another --out or delete {saved}"
    )


def _is_command_line(program: Path) -> bool:
    """Whether this process was started as clcap, and not from a Python program that calls stages."""
    return program.stem == "clcap" or program.parts[-2:] == ("clcap_cli", "__main__.py")
