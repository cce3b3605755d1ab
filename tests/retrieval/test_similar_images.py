"""The most similar images of a pool that is read in blocks."""

import numpy as np
import pytest
import torch

from clcap_cli.features import source
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.retrieval.nearest_images import nearest_images
from clcap_cli.retrieval.similar_images import similar_images
from tests.retrieval.in_memory import InMemoryFeatures


def in_memory(pooled: np.ndarray) -> InMemoryFeatures:
    vectors = torch.from_numpy(pooled)
    return InMemoryFeatures(ImageFeatures(vectors, vectors.new_zeros(len(vectors), 0, 0)))


@pytest.mark.parametrize("num_images", [1, 7, 20, 30])
def test_they_are_those_of_all_images_at_once(num_images: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pooled = np.random.default_rng(0).normal(size=(30, 5))
    monkeypatch.setattr(source.FeatureSource.blocks, "__defaults__", (8,))
    found = similar_images(in_memory(pooled), 4, num_images)
    assert found.tolist() == nearest_images(pooled, 4)[:num_images].tolist()


def test_there_are_fewer_in_a_small_pool() -> None:
    assert similar_images(in_memory(np.eye(3)), 3, 3).tolist() == [[1, 2, -1], [0, 2, -1], [0, 1, -1]]
    assert similar_images(in_memory(np.eye(3)), 0, 2).shape == (2, 0)
