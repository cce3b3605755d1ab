"""McNemar's exact test of R@k, between two runs that ranked the same images (McNemar 1947)."""

import numpy as np

from clcap_cli.metrics.permutation_test import ImageEntries
from clcap_cli.metrics.self_retrieval import recall_by_caption


def mcnemar_p_values(first: ImageEntries, second: ImageEntries) -> dict[str, float]:
    """The two-sided p-value of every R@k of two runs with the same images; empty if a run has no ranks."""
    hits, others = _hits(first), _hits(second)
    return {name: mcnemar_p_value(hits[name], others[name]) for name in hits if name in others}


def mcnemar_p_value(first: np.ndarray, second: np.ndarray) -> float:
    """The two-sided p-value of hits (N,) of two runs.

    Of the images that only one run finds, either run finds half on average if there is no difference. Images that a run
    finds with a probability other than 0 and 1, because of a tie across rank k, are left out.
    """
    from scipy.stats import binomtest

    only_first, only_second = (int(((a == 1) & (b == 0)).sum()) for a, b in ((first, second), (second, first)))
    found_by_one = only_first + only_second
    return float(binomtest(only_second, found_by_one).pvalue) if found_by_one else 1.0


def _hits(images: ImageEntries) -> dict[str, np.ndarray]:
    if not all({"rank", "tied"} <= set(image) for image in images):
        return {}
    ranks, tied = (np.array([image[name] for image in images], dtype=np.float64) for name in ("rank", "tied"))
    return recall_by_caption(ranks, tied, int(images[0].get("pool_size", len(images))))
