"""Names in files of earlier clcap versions, and their current names."""

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
"""Metrics in training logs."""
RENAMED_INTROSPECTIVE_METRICS = {"told_apart": "pairwise_accuracy"}
"""Metrics in training logs of the objective ``introspective``, which used one of those names for another metric."""
RENAMED_RETRIEVAL_METRICS = {"captions_in_a_tie": "tied_captions"}
"""Metrics in ``*.retrieval.json``."""


def upgrade_log_record(record: Mapping[str, T]) -> dict[str, T]:
    """A record of a training log under the current names; a prefix ``val_`` is preserved."""
    names = {
        **RENAMED_LOG_METRICS,
        **(RENAMED_INTROSPECTIVE_METRICS if any("own_over_other" in name for name in record) else {}),
    }
    return {_current_name(name, names): value for name, value in record.items()}


def _current_name(name: str, names: Mapping[str, str]) -> str:
    plain = name.removeprefix("val_")
    return name[: len(name) - len(plain)] + names.get(plain, plain)


def upgrade_results(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a ``*.metrics.json`` or ``*.retrieval.json`` of version 1 in the layout of version 2."""
    figures = content.get("figures")
    if not isinstance(figures, dict):
        return content
    renamed = {
        RENAMED_RETRIEVAL_METRICS.get(name, name): value
        for name, value in figures.items()
        if not isinstance(value, dict)
    }
    return {**content, "metrics": renamed}


def upgrade_comparison(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a comparison of version 1, 2 or 3 in the layout of version 4."""
    comparisons = content.get("comparisons")
    if not isinstance(comparisons, list):
        return content
    renamed = [_upgrade_compared(item) if isinstance(item, dict) else item for item in comparisons]
    return {**content, "comparisons": renamed}


def _upgrade_compared(comparison: Mapping[str, Any]) -> dict[str, Any]:
    renamed = _rename_figures(comparison)
    if isinstance(metrics := renamed.get("metrics"), dict):
        renamed["metrics"] = {name: _rename_p(found) for name, found in metrics.items()}
    if isinstance(differ := comparison.get("differ"), dict):
        renamed["run_differences"] = {"evaluation": differ.get("measured"), "made_from": differ.get("made")}
    return renamed


def _rename_p(difference: object) -> object:
    if not isinstance(difference, dict):
        return difference
    return {"p_images" if name == "p" else name: value for name, value in difference.items()}


def upgrade_training(training: Mapping[str, Any]) -> dict[str, Any]:
    """The training record of a checkpoint before version 4, under the current names."""
    renamed = _rename_figures(training)
    if isinstance(renamed.get("metrics"), dict):
        renamed["metrics"] = upgrade_log_record(renamed["metrics"])
    return renamed


def _rename_figures(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"metrics" if name == "figures" else name: value for name, value in record.items()}
