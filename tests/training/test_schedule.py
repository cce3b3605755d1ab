"""Schedules of the learning rate."""

import itertools
from math import cos, pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.errors import ClcapError
from clcap_cli.training.schedule import learning_rate, total_steps_of
from clcap_cli.training.settings import Optimisation

counts = st.integers(1, 50)


def learning_rates_of(settings: Optimisation, steps_per_epoch: int) -> list[float]:
    steps = range(total_steps_of(settings, steps_per_epoch))
    return [learning_rate(settings, step, steps_per_epoch) for step in steps]


@given(epochs=counts, steps_per_epoch=counts, lr=st.floats(1e-6, 1))
def test_cosine_by_epoch_is_exact(epochs: int, steps_per_epoch: int, lr: float) -> None:
    learning_rates = learning_rates_of(Optimisation(epochs=epochs, lr=lr, schedule="cosine-by-epoch"), steps_per_epoch)
    by_epoch = [lr * ((1 + cos(pi * (epoch - 1) / epochs)) / 2) for epoch in range(1, epochs + 1)]
    assert learning_rates == [rate for rate in by_epoch for _ in range(steps_per_epoch)]


@given(epochs=counts, steps_per_epoch=counts)
def test_cosine_falls_with_every_step(epochs: int, steps_per_epoch: int) -> None:
    learning_rates = learning_rates_of(Optimisation(epochs=epochs, lr=1.0, schedule="cosine"), steps_per_epoch)
    assert learning_rates[0] == 1
    assert all(a > b > 0 for a, b in itertools.pairwise(learning_rates))
    assert sum(learning_rates) / len(learning_rates) == pytest.approx(0.5 + 0.5 / len(learning_rates))


@given(warmup=st.integers(1, 40), kind=st.sampled_from(["constant", "cosine-by-epoch", "cosine"]))
def test_the_warm_up_rises_linearly_to_the_full_rate(warmup: int, kind: str) -> None:
    learning_rates = learning_rates_of(
        Optimisation(epochs=10, lr=1.0, schedule=kind, warmup_steps=warmup), steps_per_epoch=5
    )
    assert learning_rates[:warmup] == [(step + 1) / warmup for step in range(warmup)]
    assert max(learning_rates) == 1
    assert all(a >= b for a, b in itertools.pairwise(learning_rates[warmup:]))


def test_the_decay_ends_with_training() -> None:
    settings = Optimisation(epochs=10, max_steps=20, lr=1.0, schedule="cosine")
    assert learning_rates_of(settings, 5) == learning_rates_of(Optimisation(epochs=4, lr=1.0, schedule="cosine"), 5)


def test_a_warm_up_as_long_as_training_is_refused() -> None:
    with pytest.raises(ClcapError) as error:
        learning_rate(Optimisation(epochs=3, warmup_steps=15), 0, steps_per_epoch=5)
    assert str(error.value) == "--warmup-steps 15 must be less than the 15 steps of the training, 5 per epoch"
