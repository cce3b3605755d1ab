"""Metrics of a self-retrieval search, as stored and printed."""

from collections.abc import Sequence
from typing import Any

from clcap_cli.artifacts.ranking import Ranking
from clcap_cli.artifacts.results import Measurements
from clcap_cli.datasets.records import ImageId
from clcap_cli.metrics.bootstrap import draw_resamples, values_and_intervals
from clcap_cli.metrics.signature import join_signature
from clcap_cli.retrieval.best_images import NONE
from clcap_cli.retrieval.ranks import chance_metrics, retrieval_metrics
from clcap_cli.retrieval.search import SearchResult
from clcap_cli.retrieval.tree_walk import Work


def retrieval_results(
    result: SearchResult,
    ids: Sequence[ImageId],
    captions: Sequence[str],
    pool_size: int,
    tokens: int,
    ranking: Ranking,
    seed: int,
    signature: dict[str, str],
) -> Measurements:
    """The metrics of a search for C captions, each in a pool of ``pool_size`` of N images.

    ``ids`` (N,) are those of the images, of which the first C are the captions' own.
    ``tokens`` is the total number of tokens of the captions, end tokens included; ``seed`` is the seed of the resamples
    for the intervals, and ``signature`` describes the pool, the ranker and how the captions were made.
    """
    ranks = result.ranks
    metrics = retrieval_metrics(ranks, pool_size)
    _, intervals = values_and_intervals(ranks.statistics(pool_size), draw_resamples(len(captions), seed))
    tied = int((ranks.tied > 1).sum())
    counts = {"images": len(captions), "unique_captions": len(set(captions)), "tied_captions": tied}
    columns = {
        "image_id": ids[: len(captions)],
        "caption": captions,
        "rank": ranks.expected.tolist(),
        "tied": ranks.tied.tolist(),
        "log_prob": result.log_prob.tolist(),
        "pool_size": [pool_size] * len(captions),
        "best": _best_images(result, ids),
    }
    return Measurements(
        metrics={**metrics, **counts},
        intervals=intervals,
        signatures=dict.fromkeys(metrics, join_signature(signature)),
        images=[dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)],
        details={
            "ranking": ranking.model_dump(),
            "chance": chance_metrics(pool_size),
            "search": _savings(result.work, len(captions), len(ids), tokens),
        },
    )


def _best_images(result: SearchResult, ids: Sequence[ImageId]) -> list[list[dict[str, Any]]]:
    """The images with the highest ln p of each caption, the highest first."""
    rows = zip(result.best.image.tolist(), result.best.log_prob.tolist(), strict=True)
    return [
        [
            {"image_id": ids[image], "log_prob": log_prob}
            for image, log_prob in zip(images, log_probs, strict=True)
            if image != NONE
        ]
        for images, log_probs in rows
    ]


def _savings(work: Work, captions: int, images: int, tokens: int) -> dict[str, float]:
    """The shares of next-token predictions that remain after each saving of the search, one after another."""
    return {
        "pairs": captions * images,
        "predictions": tokens * images,
        "distinct_prefixes": work.distinct // images,
        "share_after_prefix_tree": work.distinct / (tokens * images),
        "share_after_pruning": work.expanded / work.distinct,
        "share_of_full_softmax": work.full_softmax / max(work.expanded, 1),
    }
