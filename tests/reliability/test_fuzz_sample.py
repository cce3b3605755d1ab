"""A small sample of mutated files of each format is accepted or refused with a message, and nothing else happens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.fuzz import FORMATS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", FORMATS)
def test_mutated_files_are_accepted_or_refused(name: str, tmp_path: Path) -> None:
    """In a process of its own: a process with threads, such as PyTorch's, cannot be forked safely."""
    command = [sys.executable, "-m", "tests.reliability.fuzz", name, "--inputs", "60", "--failures", str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (done.stdout, [path.read_text() for path in tmp_path.glob("*/outcome.txt")])
    assert done.stdout.startswith(f"{name}: 60 inputs, ")
