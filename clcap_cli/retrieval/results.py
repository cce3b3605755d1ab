"""What a self-retrieval search found, as it is stored and printed."""

from collections.abc import Sequence

from clcap_cli.artifacts.results import Measurements
from clcap_cli.datasets.records import ImageId
from clcap_cli.digests import digest_of_json
from clcap_cli.metrics.bootstrap import draw_resamples, values_and_intervals
from clcap_cli.metrics.self_retrieval import rank_statistics
from clcap_cli.metrics.signature import join_signature
from clcap_cli.retrieval.ranks import chance_metrics, retrieval_metrics
from clcap_cli.retrieval.search import SearchResult
from clcap_cli.retrieval.tree_walk import Work


def retrieval_results(
    found: SearchResult,
    ids: Sequence[ImageId],
    captions: Sequence[str],
    tokens: int,
    seed: int,
    signature: dict[str, str],
) -> Measurements:
    """The metrics of a search for N captions among their N images.

    ``tokens`` is the number of predictions that scoring one image takes, end tokens included; ``seed`` draws the
    resamples of the intervals, and ``signature`` says how the captions were made.
    """
    ranks = found.ranks
    metrics = retrieval_metrics(ranks, len(ids))
    statistics = rank_statistics(ranks.expected.double().numpy(), ranks.tied.double().numpy())
    _, intervals = values_and_intervals(statistics, draw_resamples(len(ids), seed))
    shared = join_signature({"pool": str(len(ids)), **signature})
    counts = {"images": len(ids), "unique_captions": len(set(captions)), "tied_captions": int((ranks.tied > 1).sum())}
    each = zip(ids, captions, ranks.expected.tolist(), ranks.tied.tolist(), found.own.tolist(), strict=True)
    names = ("image_id", "caption", "rank", "tied", "log_prob")
    return Measurements(
        metrics={**metrics, **counts},
        intervals=intervals,
        signatures=dict.fromkeys(metrics, shared),
        images=[dict(zip(names, values, strict=True)) for values in each],
        details={"chance": chance_metrics(len(ids)), "search": _savings(found.work, len(ids), tokens)},
    )


def images_signature(ids: Sequence[ImageId], split: str) -> str:
    """A split's name with a digest of which of its images are meant."""
    return f"{split}#{digest_of_json(sorted(map(str, ids)))[:8]}"


def _savings(work: Work, images: int, tokens: int) -> dict[str, float]:
    """The shares of predictions that remain after each saving of the search, one after another."""
    return {
        "pairs": images * images,
        "predictions": tokens * images,
        "distinct_prefixes": work.shared // images,
        "share_after_prefix_tree": work.shared / (tokens * images),
        "share_after_pruning": work.expanded / work.shared,
        "share_of_full_softmax": work.full_softmax / max(work.expanded, 1),
    }
