"""Warnings about runs whose values cannot be compared."""

from collections.abc import Sequence

from clcap_cli.evaluation.comparability import as_lines, evaluation_differences
from clcap_cli.evaluation.runs import Run

SHOWN = 3
"""Largest number of differences that a warning names."""


def comparability_warnings(runs: Sequence[Run], baseline: Run) -> list[str]:
    """Warnings about runs of different images, and about values evaluated otherwise than those of the baseline."""
    others = [run for run in runs if run.metrics and run is not baseline]
    pairs = [warning for other in others for warning in _evaluated_differently(baseline, other)]
    return [*estimate_warnings(runs), *_partly_ranked(runs), *_different_images(runs), *pairs]


def estimate_warnings(runs: Sequence[Run]) -> list[str]:
    """A warning about each run whose ranks are those of a sample of its captions."""
    return [
        f"{run.name}: R@k and the ranks are estimated from {run.ranked.estimate}."
        for run in runs
        if run.ranked and run.ranked.estimate
    ]


def _partly_ranked(runs: Sequence[Run]) -> list[str]:
    warnings = []
    for run in runs:
        ranked = sum(image.rank is not None for image in run.images.values())
        if 0 < ranked < len(run.images):
            warnings.append(f"{run.name}: {ranked} of {len(run.images)} captions were ranked.")
    return warnings


def _different_images(runs: Sequence[Run]) -> list[str]:
    sets = {run.name: frozenset(run.images) for run in runs if run.images}
    if len(set(sets.values())) <= 1:
        return []
    common = len(frozenset.intersection(*sets.values()))
    sizes = ", ".join(f"{name} {len(ids)}" for name, ids in sets.items())
    return [
        f"The runs are of different images ({sizes}; {common} in common): their metrics cannot be compared, except "
        "over the images in common."
    ]


def _evaluated_differently(first: Run, other: Run) -> list[str]:
    ids = [id for id in first.entries if id in other.entries]
    shared = [name for name in first.metrics if name in first.signatures and name in other.metrics]
    found = as_lines(evaluation_differences(first, other, shared, ids))
    if not found:
        return []
    listed = "; ".join([*found[:SHOWN], *(["…"] if len(found) > SHOWN else [])])
    return [f"{other.name} was evaluated differently from {first.name} ({listed}): these values cannot be compared."]
