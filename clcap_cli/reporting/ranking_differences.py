"""Whether runs were ranked alike, so that R@k and ranks can be compared."""

from collections.abc import Sequence

from clcap_cli.artifacts.ranking import OWN_MODEL
from clcap_cli.metrics.self_retrieval import METRIC
from clcap_cli.metrics.signature import split_signature
from clcap_cli.reporting.runs import Run


def are_comparable(name: str, runs: Sequence[Run]) -> bool:
    """Whether the value ``name`` depends on no ranking, or all runs that have it were ranked alike."""
    is_ranking = any(info.for_name(name) for info in METRIC.values)
    return not is_ranking or len(set(_rankings(runs).values())) <= 1


def ranking_warnings(runs: Sequence[Run]) -> list[str]:
    """A warning if the runs were ranked in different pools or some of them by other models; otherwise empty."""
    found = _rankings(runs)
    if len(set(found.values())) <= 1:
        return []
    parts = "; ".join(f"{name} by {ranker}, pool {pool}" for name, (pool, ranker) in list(found.items())[:3])
    more = ", …" if len(found) > 3 else ""
    return [f"The runs were ranked differently ({parts}{more}): their R@k and ranks cannot be compared."]


def _rankings(runs: Sequence[Run]) -> dict[str, tuple[str, str]]:
    """Pool and ranker of each run with ranks that records them; earlier versions recorded no ranker."""
    signatures = {run.name: split_signature(run.signatures.get("R@1", "")) for run in runs}
    return {
        name: (parts["pool"], parts.get("ranker", OWN_MODEL)) for name, parts in signatures.items() if "pool" in parts
    }
