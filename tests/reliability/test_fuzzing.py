"""The fuzzing finds every kind of failure, and isolates the input that causes it."""

import ctypes
import os
import socket
import time
from pathlib import Path

import pytest

from clcap_cli.errors import ClcapError
from tests.reliability.fuzz_worker import Limits
from tests.reliability.fuzzing import Format, fuzz, mutated


def read(path: Path) -> None:
    """A reader with a flaw for each start of a file."""
    flaws = {
        0: lambda: ctypes.string_at(0),
        1: lambda: 1 / 0,
        2: lambda: bytes(2**28),
        3: lambda: next(iter(iter(int, 1))),
        4: lambda: (path.parents[1].parent / "clcap-fuzz-outside").write_text("x"),
        5: lambda: os.system("true"),
        6: lambda: time.sleep(30),
        7: lambda: socket.create_connection(("127.0.0.1", 9)),
    }
    start = path.read_bytes()[:1]
    if start == b"s":
        return
    if not start or start[0] not in flaws:
        raise ClcapError("refused")
    flaws[start[0]]()


def first_byte(content: bytes, random) -> bytes:
    return bytes([random.randrange(12)]) + content[1:]


@pytest.fixture
def format(tmp_path: Path) -> Format:
    (tmp_path / "seed").write_bytes(b"seed")
    return Format(
        "flaws", "x", read, [tmp_path / "seed"], [first_byte], limits=Limits(0.3, waiting_seconds=0.6, bytes=2**27)
    )


def test_every_kind_of_failure_is_found(format: Format, tmp_path: Path) -> None:
    summary = fuzz(format, 60, failures=tmp_path / "failures")
    assert set(summary.failures) == {"traceback", "hang", "crash", "memory", "write"}
    assert summary.inputs == 60 == summary.rejected + summary.accepted + sum(summary.failures.values())
    saved = sorted(path.name for path in (tmp_path / "failures").iterdir())
    assert len(saved) == sum(summary.failures.values())
    for name in saved:
        content = (tmp_path / "failures" / name / "x").read_bytes()
        kind = ["crash", "traceback", "memory", "hang", "write", "write", "hang", "write"][content[0]]
        assert name.endswith(kind) or kind == "write"


def test_the_same_seed_gives_the_same_inputs(format: Format) -> None:
    first, second, other = ([mutated(format, [b"seed"], number, seed) for number in range(30)] for seed in (0, 0, 1))
    assert first == second != other
