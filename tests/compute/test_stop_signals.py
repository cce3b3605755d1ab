import signal
from collections.abc import Iterator

import pytest

from clcap_cli.compute import stop_signals
from clcap_cli.compute.processes import Processes
from clcap_cli.compute.stop_signals import StopSignals


@pytest.fixture
def signals() -> Iterator[StopSignals]:
    earlier = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with StopSignals() as signals:
        yield signals
    signal.signal(signal.SIGTERM, earlier)


def test_a_second_signal_stops_at_once(signals: StopSignals) -> None:
    signal.raise_signal(signal.SIGTERM)
    assert signals.received == signal.SIGTERM
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_that_torchrun_passes_on_is_the_same_signal(
    signals: StopSignals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal and SLURM signal all processes of a job, and torchrun signals its own."""
    monkeypatch.setattr(stop_signals, "processes", lambda: Processes(rank=0, count=2))
    for _ in range(2):
        signal.raise_signal(signal.SIGTERM)
    monkeypatch.setattr(stop_signals, "REPETITION", 0)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
