"""The files of trained models that benchmarks keep."""

from pathlib import Path

import pytest

from tests.benchmarks.trained_models import STEPS, trained_path


def test_models_after_other_numbers_of_steps_are_other_files(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {trained_path("neuraltalk2", objective, Path()) for objective in STEPS}
    monkeypatch.setitem(STEPS, "mle", 2)
    assert files.isdisjoint(trained_path("neuraltalk2", objective, Path()) for objective in STEPS)
