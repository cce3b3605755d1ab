"""A small sample of mutated files of each format is accepted or refused with a message, and nothing else happens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.fuzz import FORMATS

ROOT = Path(__file__).resolve().parents[2]
LIGHT = ("attention", "captions", "config", "features", "image", "regions", "tokenizer")
"""Prefixes of the names of formats whose readers do not import PyTorch."""
FAMILIES = {
    "without PyTorch": [name for name in FORMATS if name.startswith(LIGHT)],
    "with PyTorch": [name for name in FORMATS if not name.startswith(LIGHT)],
}


@pytest.mark.parametrize("family", FAMILIES)
def test_mutated_files_are_accepted_or_refused(family: str, tmp_path: Path) -> None:
    """In a process of its own: a process with threads, such as PyTorch's, cannot be forked safely."""
    names = FAMILIES[family]
    command = [sys.executable, "-m", "tests.reliability.fuzz", *names, "--inputs", "15", "--failures", str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, (done.stdout, [path.read_text() for path in tmp_path.glob("*/outcome.txt")])
    found = [line.partition(" inputs, ")[0] for line in done.stdout.splitlines()]
    assert found == [f"{name}: 15" for name in names]
