"""The epoch whose checkpoint a training run kept."""

from contextlib import suppress
from typing import Any

from clcap_cli.artifacts.lineage import find_input, read_provenance
from clcap_cli.artifacts.results import Results
from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.runs import Run
from clcap_cli.training.selection import CRITERIA, Criterion


def kept_epoch(run: Run) -> float | None:
    """The epoch of the best validation in the run's log, by the metric that the training selected by.

    None if this metric is unknown, because the run has no log or its files do not record the checkpoint's settings. The
    initial model is never kept, and of equal validations the first is.
    """
    criterion = next((found for source in run.sources if (found := _criterion(source))), None)
    records = [record for record in run.log if record["epoch"] > 0 and criterion and criterion.metric in record]
    if criterion is None or not records:
        return None
    return max(records, key=lambda record: criterion.better * record[criterion.metric])["epoch"]


def _criterion(source: Results) -> Criterion | None:
    """The criterion in the settings of the checkpoint that the results were made with."""
    recorded = [card.settings for card in source.made_from if card.role == "checkpoint"]
    name = (recorded[0] if recorded else _checkpoint_settings(source)).get("select_by")
    return next((criterion for known, criterion in CRITERIA.items() if known == name), None)


def _checkpoint_settings(source: Results) -> dict[str, Any]:
    """The settings of the checkpoint's training, read from the checkpoint; empty if it is not found."""
    with suppress(ClcapError):
        return read_provenance(find_input(source, "checkpoint", None, "--images")).settings
    return {}
