"""Images of a storage that is read in parts are well shuffled all the same, and each is seen once in an epoch."""

from itertools import pairwise

import numpy as np

from clcap_cli.compute.random_streams import random_generator
from clcap_cli.training.data import MIXED_PARTS, shuffled_batches

PARTS, IMAGES = np.repeat(np.arange(100), 60), 6000


def order(epoch: int, parts: np.ndarray | None = PARTS) -> np.ndarray:
    return np.concatenate(shuffled_batches(IMAGES, 64, random_generator(0, "order", epoch), parts))


def test_each_image_is_seen_once_in_an_epoch() -> None:
    assert np.array_equal(np.sort(order(1)), np.arange(IMAGES))
    assert [len(batch) for batch in shuffled_batches(70, 64, random_generator(0, "order", 1), PARTS[:70])] == [64, 6]


def test_every_epoch_has_another_order_which_is_the_same_in_another_run() -> None:
    assert not np.array_equal(order(1), order(2))
    assert np.array_equal(order(1), order(1))
    first = [set(PARTS[order(epoch)[:600]]) for epoch in (1, 2)]
    assert first[0] != first[1]


def test_few_parts_are_read_at_a_time() -> None:
    parts = PARTS[order(1)]
    positions = [np.flatnonzero(parts == part) for part in range(100)]
    open_parts = np.zeros(IMAGES, int)
    for own in positions:
        open_parts[own[0] : own[-1] + 1] += 1
    assert open_parts.max() <= MIXED_PARTS


def test_neighbours_are_rarely_of_the_same_part() -> None:
    """The 100 parts are 4 groups of 25, so 1 in 25 are, where the storage's own order has 98%."""
    shares = [np.mean([one == other for one, other in pairwise(PARTS[order(epoch)])]) for epoch in range(1, 11)]
    assert np.mean(shares) < 1.1 / 25


def test_images_of_a_part_are_not_in_their_own_order() -> None:
    own = [position for position in order(1) if PARTS[position] == 7]
    assert own != sorted(own)


def test_without_parts_the_order_is_a_permutation_of_all_images() -> None:
    assert np.array_equal(order(1, None), random_generator(0, "order", 1).permutation(IMAGES))


def test_few_parts_are_shuffled_together() -> None:
    """Training on the index of a few shards is training on one file."""
    assert np.array_equal(order(1, PARTS % MIXED_PARTS), order(1, None))
