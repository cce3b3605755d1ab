"""Self-retrieval recall as a function of k."""

import numpy as np

from clcap_cli.evaluation.runs import Run

CURVE_DENSITY = 40


def recall_curve(run: Run) -> dict[float, float]:
    """R@k of a run for the values of k at which its curve is drawn; empty if nothing was ranked.

    Ties count as if in random order: an image that is preceded by ``better`` images and tied with ``tied`` images,
    itself included, adds 1 / tied to each of the next ``tied`` values of k.
    """
    ranked = [(image.rank, image.tied) for image in run.images.values() if image.rank is not None]
    if not ranked:
        return {}
    rank, tied = np.array(ranked).T
    better = rank - 1 - (tied - 1) / 2
    return {k: float(np.clip((k - better) / tied, 0, 1).mean()) for k in curve_ks(run.pool)}


def round_ks(pool: int) -> list[int]:
    """1, 2, 5, 10, 20, 50, … up to ``pool``, and ``pool`` itself."""
    steps = [step * 10**power for power in range(len(str(pool))) for step in (1, 2, 5)]
    return [*(k for k in steps if k < pool), pool]


def curve_ks(pool: int) -> list[int]:
    """The values of k at which a recall curve is drawn: 1 … 40, then about 40 to each factor of ten, and ``pool``."""
    spaced = np.geomspace(1, pool, 1 + round(CURVE_DENSITY * np.log10(pool))) if pool > 1 else np.ones(1)
    return sorted({*range(1, min(CURVE_DENSITY, pool) + 1), *round_ks(pool), *map(int, np.rint(spaced))})
