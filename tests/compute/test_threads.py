"""How many threads compute, and that they sleep instead of spin only while the machine is busy."""

import os
import subprocess
import sys
import time

import pytest
import torch

from clcap_cli.compute import threads
from clcap_cli.compute.threads import threads_in_use, use_threads

ALIVE = "len(__import__('os').listdir('/proc/self/task'))"


@pytest.fixture(autouse=True)
def same_threads_afterwards():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_threads_are_those_that_were_asked_for() -> None:
    use_threads(1)
    assert threads_in_use() == torch.get_num_threads() == 1
    use_threads(None)
    assert threads_in_use() == 1


@pytest.mark.skipif(threads._libgomp() is None, reason="PyTorch has another OpenMP here")
def test_a_crowd_comes_and_goes() -> None:
    """In a process of its own, because other tests have threads too."""
    code = f"""
import time, torch
from clcap_cli.compute.threads import _Crowd
torch.ones(2**20).add_(1)
before = {ALIVE}
crowd = _Crowd()
crowd.gather(); crowd.gather(); time.sleep(0.5)
gathered = {ALIVE}
crowd.disperse(); crowd.disperse(); time.sleep(0.5)
print(gathered - before, {ALIVE} - before, float(torch.ones(2**20).add_(1).sum()))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert result.split() == [str(len(os.sched_getaffinity(0)) + 1), "0", str(2.0**21)]


def test_the_crowd_stays_while_the_machine_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    waited = iter([0.0, 0.0, 1.0, 2.0, *[2.0] * 20])

    class Crowd:
        def gather(self) -> None:
            events.append("gather")

        def disperse(self) -> None:
            events.append("disperse")

    class Ended:
        def wait(self, seconds: float) -> bool:
            clock[0] += seconds
            return len(events) > 3

    clock = [0.0]
    monkeypatch.setattr(threads, "_Crowd", Crowd)
    monkeypatch.setattr(threads, "_seconds_waited", lambda: next(waited))
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    threads._sleep_while_busy(Ended())  # type: ignore[arg-type]
    assert events == ["gather", "gather", "disperse", "disperse", "disperse"]
