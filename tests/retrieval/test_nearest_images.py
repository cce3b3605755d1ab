import numpy as np

from clcap_cli.retrieval.nearest_images import nearest_images


def test_nearest_images_are_sorted_by_similarity() -> None:
    pooled = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]], dtype=np.float16)
    assert nearest_images(pooled, 2).tolist() == [[1, 3], [0, 3], [3, 1], [2, 1]]


def test_small_pools_have_fewer_columns() -> None:
    pooled = np.eye(3)
    assert nearest_images(pooled, 5).tolist() == [[1, 2], [0, 2], [0, 1]]
    assert nearest_images(pooled[:1], 5).shape == (1, 0)


def test_results_are_right_across_blocks() -> None:
    angles = np.sort(np.random.default_rng(0).uniform(0, 1, 2500))
    nearest = nearest_images(np.column_stack([np.cos(angles), np.sin(angles)]), 1)[:, 0]
    gap = np.abs(angles[:, None] - angles)
    np.fill_diagonal(gap, 9)
    assert (gap[np.arange(2500), nearest] <= gap.min(axis=1) + 1e-3).all()
