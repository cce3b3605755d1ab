"""Names that files of earlier clcap versions use, and what they are called now."""

from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")

RENAMED_KINDS = {"clcap/evaluator": "clcap/discriminator"}
RENAMED_LOG_METRICS = {
    "G_positive": "log_ratio_matched",
    "G_negative": "log_ratio_mismatched",
    "told_apart": "negatives_below_reference",
    "loss_bound": "loss_lower_bound",
    "own_over_other": "log_prob_margin",
    "evaluator_loss": "discriminator_loss",
    "r_matched": "score_matched",
    "r_mismatched": "score_mismatched",
    "r_generated": "score_generated",
    "unique": "unique_share",
    "loader_share": "data_wait_share",
}
"""Metrics of training logs."""
RENAMED_INTROSPECTIVE_METRICS = {"told_apart": "pairwise_accuracy"}
"""The same of the objective ``introspective``, which used one of these names for something else."""
RENAMED_RETRIEVAL_METRICS = {"captions_in_a_tie": "tied_captions"}
"""Metrics of ``*.retrieval.json``."""


def upgrade_log_record(record: Mapping[str, T]) -> dict[str, T]:
    """A record of a training log under today's names; ``val_`` before a name stays."""
    names = {
        **RENAMED_LOG_METRICS,
        **(RENAMED_INTROSPECTIVE_METRICS if any("own_over_other" in name for name in record) else {}),
    }
    return {_logged_name(name, names): value for name, value in record.items()}


def _logged_name(name: str, names: Mapping[str, str]) -> str:
    plain = name.removeprefix("val_")
    return name[: len(name) - len(plain)] + names.get(plain, plain)


def upgrade_results(content: dict[str, Any]) -> dict[str, Any]:
    """The content of ``*.metrics.json`` and ``*.retrieval.json`` of version 1, laid out as in version 2."""
    metrics = content.get("figures")
    if not isinstance(metrics, dict):
        return content
    numbers = {
        RENAMED_RETRIEVAL_METRICS.get(name, name): value
        for name, value in metrics.items()
        if not isinstance(value, dict)
    }
    return {**content, "metrics": numbers}


def upgrade_comparison(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a comparison of version 1, laid out as in version 2."""
    comparisons = content.get("comparisons")
    if not isinstance(comparisons, list):
        return content
    renamed = [_with_metrics(one) if isinstance(one, dict) else one for one in comparisons]
    return {**content, "comparisons": renamed}


def upgrade_training(training: Mapping[str, Any]) -> dict[str, Any]:
    """A checkpoint's record of its training before version 4, under today's names."""
    found = _with_metrics(training)
    if isinstance(found.get("metrics"), dict):
        found["metrics"] = upgrade_log_record(found["metrics"])
    return found


def _with_metrics(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"metrics" if name == "figures" else name: value for name, value in record.items()}
