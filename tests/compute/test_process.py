"""Stages called from Python leave the state of the process unchanged."""

import signal
import threading
from pathlib import Path

import pytest
import torch

import clcap_cli as clcap
from clcap_cli.compute.process import at_stage_end, stage_cleanup


def state() -> dict[str, object]:
    """State of the process that a stage could change."""
    return {
        "threads": torch.get_num_threads(),
        "random": torch.get_rng_state().tolist(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "fill": torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)],
        "watchers": [one for one in threading.enumerate() if "_sleep_while_busy" in one.name],
    }


def wait_for_watchers() -> None:
    for thread in threading.enumerate():
        if "_sleep_while_busy" in thread.name:
            thread.join(timeout=10)


def test_training_leaves_the_process_unchanged(chain: Path) -> None:
    torch.manual_seed(7)
    before = state()
    clcap.train_cl(chain / "nt.pt", k=1, epochs=1, max_steps=1, threads=torch.get_num_threads() + 1, device="cpu")
    wait_for_watchers()
    assert state() == before


def test_changes_are_undone_in_reverse_even_after_an_error() -> None:
    calls: list[str] = []
    with pytest.raises(clcap.ClcapError), stage_cleanup():
        at_stage_end(lambda: calls.append("first"))
        with stage_cleanup():
            at_stage_end(lambda: calls.append("inner"))
        at_stage_end(lambda: calls.append("second"))
        raise clcap.ClcapError("no")
    at_stage_end(lambda: calls.append("never"))
    assert calls == ["inner", "second", "first"]
