"""Whether the values of runs can be compared: the same images, ranked and measured in the same way."""

from collections.abc import Sequence

from clcap_cli.artifacts.ranking import OWN_MODEL
from clcap_cli.evaluation.comparability import same_images
from clcap_cli.evaluation.runs import Run
from clcap_cli.metrics.self_retrieval import METRIC
from clcap_cli.metrics.signature import OF_DECODING, OF_IMAGES, differing_parts, split_signature

OF_CAPTIONS = (*OF_DECODING, *OF_IMAGES)
"""Parts of signatures that describe the captions and their images, not how they are measured."""
SHOWN = 3
"""Largest number of runs or metrics that a warning names."""


def are_comparable(name: str, runs: Sequence[Run]) -> bool:
    """Whether the value ``name`` of all runs that have it is of the same images and was measured in the same way."""
    measured = [run for run in runs if name in run.metrics]
    return same_images(runs) and (not _is_ranking(name) or ranked_alike(measured)) and not _differences(name, measured)


def ranked_alike(runs: Sequence[Run]) -> bool:
    """Whether all runs with ranks were ranked in the same pool, each by its own model or all by the same one."""
    return len(set(_rankings(runs).values())) <= 1


def comparability_warnings(runs: Sequence[Run]) -> list[str]:
    """Warnings about runs that were ranked or measured in different ways, one sentence each."""
    return [*_ranking_warnings(runs), *_setting_warnings(runs)]


def _ranking_warnings(runs: Sequence[Run]) -> list[str]:
    if ranked_alike(runs):
        return []
    found = [f"{name} by {ranker}, pool {pool}" for name, (pool, ranker) in _rankings(runs).items()]
    return [f"The runs were ranked differently ({_first(found)}): their R@k and ranks cannot be compared."]


def _setting_warnings(runs: Sequence[Run]) -> list[str]:
    names = dict.fromkeys(name for run in runs for name in run.signatures if not _is_ranking(name))
    found = [f"{name}: {'; '.join(parts)}" for name in names if (parts := _differences(name, runs))]
    if not found:
        return []
    return [f"The runs were evaluated differently ({_first(found)}): these values cannot be compared."]


def _first(parts: Sequence[str]) -> str:
    return "; ".join([*parts[:SHOWN], *(["…"] if len(parts) > SHOWN else [])])


def _is_ranking(name: str) -> bool:
    return any(info.for_name(name) for info in METRIC.values)


def _differences(name: str, runs: Sequence[Run]) -> list[str]:
    """The settings in which the runs measured the value ``name`` differently, such as "refs c5 and c4"."""
    signatures = [run.signatures[name] for run in runs if name in run.signatures]
    found = (differing_parts(signatures[0], other) for other in signatures[1:])
    return list(dict.fromkeys(f"{key} {a} and {b}" for parts in found for key, a, b in parts if key not in OF_CAPTIONS))


def _rankings(runs: Sequence[Run]) -> dict[str, tuple[str, str]]:
    """Pool and ranker of each run with ranks that records them; earlier versions recorded no ranker."""
    signatures = {run.name: split_signature(run.signatures.get("R@1", "")) for run in runs}
    return {
        name: (parts["pool"], parts.get("ranker", OWN_MODEL)) for name, parts in signatures.items() if "pool" in parts
    }
