"""The number of computing threads, and that waiting threads sleep while the machine is busy and spin otherwise."""

import os
import subprocess
import sys
import time

import pytest
import torch

from clcap_cli.compute import threads
from clcap_cli.compute.threads import set_threads

ALIVE = "len(__import__('os').listdir('/proc/self/task'))"


@pytest.fixture(autouse=True)
def same_threads_afterwards():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_requested_number_of_threads_is_used() -> None:
    set_threads(1)
    assert torch.get_num_threads() == 1
    set_threads(None)
    assert torch.get_num_threads() == 1


@pytest.mark.skipif(threads._libgomp() is None, reason="PyTorch has another OpenMP here")
def test_idle_threads_start_and_stop() -> None:
    """Runs in a separate process, because other tests have threads too."""
    code = f"""
import time, torch
from clcap_cli.compute.threads import _IdleThreads
torch.ones(2**20).add_(1)
before = {ALIVE}
idle = _IdleThreads()
idle.start(); idle.start(); time.sleep(0.5)
started = {ALIVE}
idle.stop(); idle.stop(); time.sleep(0.5)
print(started - before, {ALIVE} - before, float(torch.ones(2**20).add_(1).sum()))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert result.split() == [str(len(os.sched_getaffinity(0)) + 1), "0", str(2.0**21)]


def test_idle_threads_run_while_the_machine_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    waited = iter([0.0, 0.0, 1.0, 2.0, *[2.0] * 20])

    class Idle:
        def start(self) -> None:
            events.append("start")

        def stop(self) -> None:
            events.append("stop")

    class Ended:
        def wait(self, seconds: float) -> bool:
            clock[0] += seconds
            return len(events) > 3

    clock = [0.0]
    monkeypatch.setattr(threads, "_IdleThreads", Idle)
    monkeypatch.setattr(threads, "_seconds_waited", lambda: next(waited))
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    threads._sleep_while_busy(Ended())  # type: ignore[arg-type]
    assert events == ["start", "start", "stop", "stop", "stop"]
