"""Metrics of a self-retrieval search, as stored and printed."""

from collections.abc import Sequence

from clcap_cli.artifacts.results import Measurements
from clcap_cli.datasets.records import ImageId
from clcap_cli.metrics.bootstrap import draw_resamples, values_and_intervals
from clcap_cli.metrics.self_retrieval import rank_statistics
from clcap_cli.metrics.signature import join_signature
from clcap_cli.retrieval.ranks import chance_metrics, retrieval_metrics
from clcap_cli.retrieval.search import SearchResult
from clcap_cli.retrieval.tree_walk import Work


def retrieval_results(
    result: SearchResult,
    ids: Sequence[ImageId],
    captions: Sequence[str],
    tokens: int,
    seed: int,
    signature: dict[str, str],
) -> Measurements:
    """The metrics of a search for N captions among their N images.

    ``tokens`` is the total number of tokens of the captions, end tokens included; ``seed`` is the seed of the resamples
    for the intervals, and ``signature`` describes how the captions were made.
    """
    ranks = result.ranks
    metrics = retrieval_metrics(ranks, len(ids))
    statistics = rank_statistics(ranks.expected.double().numpy(), ranks.tied.double().numpy())
    _, intervals = values_and_intervals(statistics, draw_resamples(len(ids), seed))
    joint_signature = join_signature({"pool": str(len(ids)), **signature})
    counts = {"images": len(ids), "unique_captions": len(set(captions)), "tied_captions": int((ranks.tied > 1).sum())}
    rows = zip(ids, captions, ranks.expected.tolist(), ranks.tied.tolist(), result.log_prob.tolist(), strict=True)
    names = ("image_id", "caption", "rank", "tied", "log_prob")
    return Measurements(
        metrics={**metrics, **counts},
        intervals=intervals,
        signatures=dict.fromkeys(metrics, joint_signature),
        images=[dict(zip(names, values, strict=True)) for values in rows],
        details={"chance": chance_metrics(len(ids)), "search": _savings(result.work, len(ids), tokens)},
    )


def _savings(work: Work, images: int, tokens: int) -> dict[str, float]:
    """The shares of next-token predictions that remain after each saving of the search, one after another."""
    return {
        "pairs": images * images,
        "predictions": tokens * images,
        "distinct_prefixes": work.distinct // images,
        "share_after_prefix_tree": work.distinct / (tokens * images),
        "share_after_pruning": work.expanded / work.distinct,
        "share_of_full_softmax": work.full_softmax / max(work.expanded, 1),
    }
