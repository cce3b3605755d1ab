"""Runs commands where no file can be larger than so many bytes, and tells how each ended.

It reads a JSON list of (folder, bytes, words of the command line) and prints one of (status, lines on stderr). All
commands share one process, because starting it takes longer than any of them.
"""

import json
import os
import resource
import sys
from pathlib import Path

from clcap_cli import __main__ as entry
from clcap_cli.training import adversarial_task


def run(folder: str, largest: int, words: list[str]) -> tuple[int, list[str]]:
    os.chdir(folder)
    sys.argv = ["clcap", *words]
    before = os.dup(2)
    result, stderr = os.pipe()
    os.dup2(stderr, 2)
    os.close(stderr)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
    status = entry.run()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    os.dup2(before, 2)
    os.close(before)
    return status, Path(f"/dev/fd/{result}").read_text().splitlines()


if __name__ == "__main__":
    adversarial_task.WARM_UP_EPOCHS = 1
    print(json.dumps([run(*command) for command in json.load(sys.stdin)]))
