"""Ranks of images by cosine are those of a full sort, and ties count as if ordered at random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.metrics import clip_retrieval
from clcap_cli.metrics.clip_retrieval import METRIC, ranks_of
from clcap_cli.metrics.multiple_captions import reported_statistics
from tests.metrics.builders import predictions


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@given(st.integers(2, 12), st.integers(1, 3), st.integers(0, 99))
def test_ranks_are_those_of_a_full_sort(images: int, each: int, seed: int) -> None:
    draw, own = np.random.default_rng(seed), np.repeat(np.arange(images), each)
    embedded, captions = unit(draw.normal(size=(images, 4))), unit(draw.normal(size=(images * each, 4)))
    order = np.argsort(-captions @ embedded.T, axis=1)
    expected = [row.tolist().index(image) + 1 for row, image in zip(order, own, strict=True)]
    ranks, tied = ranks_of(captions, embedded, own)
    assert (ranks.tolist(), set(tied)) == (expected, {1})


def test_equal_images_share_their_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_retrieval, "CAPTIONS_AT_ONCE", 2)
    images = unit(np.array([[1.0, 0], [1, 0], [0, 1]]))
    ranks, tied = ranks_of(images, images, np.arange(3))
    assert (ranks.tolist(), tied.tolist()) == ([1.5, 1.5, 1], [2, 2, 1])


def test_values_follow_from_the_ranks() -> None:
    given = predictions([["a"], ["b"], ["c"]], [["x"]] * 3, clip_rank=[1.5, 1.5, 3], clip_tied=[2, 2, 1])
    values = {name: one.value(3) for name, one in reported_statistics(METRIC, given).items()}
    assert values == {"CLIP_R@1": pytest.approx(1 / 3), "CLIP_mean_rank": 2}


def test_several_captions_count_as_one_image() -> None:
    given = predictions([["a", "b"], ["c", "d"]], [["x"]] * 2, clip_rank=[1, 2, 1, 1], clip_tied=[1] * 4)
    values = {name: one.value(2) for name, one in reported_statistics(METRIC, given).items()}
    assert values == {"CLIP_R@1": 0.75, "CLIP_mean_rank": 1.25}
