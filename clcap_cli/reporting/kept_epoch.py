"""The epoch whose checkpoint a training run kept."""

from contextlib import suppress

from clcap_cli.artifacts.lineage import find_input
from clcap_cli.artifacts.plain_pickle import plain_values
from clcap_cli.artifacts.results import Results
from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.runs import Run
from clcap_cli.training.selection import CRITERIA, Criterion


def kept_epoch(run: Run) -> float | None:
    """The epoch of the best validation in the run's log, by the metric that the training selected by.

    None if the run has no log, or if neither its files nor its checkpoint record this metric. The initial model is
    never kept, and of equal validations the first is.
    """
    criterion = next((found for source in run.sources if (found := _criterion(source))), None)
    records = [record for record in run.log if record["epoch"] > 0 and criterion and criterion.metric in record]
    if criterion is None or not records:
        return None
    return max(records, key=lambda record: criterion.better * record[criterion.metric])["epoch"]


def _criterion(source: Results) -> Criterion | None:
    """The criterion of the checkpoint that the results were made with, from their run card or from the checkpoint."""
    names = [card.settings.get("select_by") for card in source.made_from if card.role == "checkpoint"]
    metric = None if names else _recorded_metric(source)
    return next((one for name, one in CRITERIA.items() if name in names or one.metric == metric), None)


def _recorded_metric(source: Results) -> object:
    """The metric that selected the checkpoint, from the training record in the checkpoint; None if it is not found."""
    with suppress(ClcapError):
        content = plain_values(find_input(source, "checkpoint", None, "--images"))
        training = content.get("training") if isinstance(content, dict) else None
        return training.get("criterion") if isinstance(training, dict) else None
    return None
