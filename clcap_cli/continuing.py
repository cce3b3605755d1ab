"""The command that continues an interrupted run."""

import shlex
import sys
from pathlib import Path

RESUME = "--resume"


def continuing_command(stage: str) -> str:
    """The command line of this process with --resume added, or the Python call that continues ``stage``."""
    words = sys.argv[1:]
    if not _is_command_line(Path(sys.argv[0])):
        return f"{stage.replace('-', '_')}(..., resume=True)"
    if stage not in words or RESUME in words:
        return shlex.join(["clcap", *words])
    end = words.index("--") if "--" in words else len(words)
    return shlex.join(["clcap", *words[:end], RESUME, *words[end:]])


def _is_command_line(program: Path) -> bool:
    """Whether this process was started as clcap, and not from a Python program that calls stages."""
    return program.stem == "clcap" or program.parts[-2:] == ("clcap_cli", "__main__.py")
