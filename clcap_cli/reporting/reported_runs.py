"""The runs of a report, in the order in which it lists them."""

from collections.abc import Sequence
from pathlib import Path

from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.human_captions import is_human
from clcap_cli.evaluation.runs import Run, open_runs
from clcap_cli.evaluation.training_order import in_training_order


def open_reported_runs(paths: Sequence[Path]) -> list[Run]:
    """Open the runs of the given files in their order, but each after the one that it was trained from, and human
    captions last.

    Raises ClcapError for damaged files, files of another kind, and if no file contains metrics.
    """
    runs = in_training_order(open_runs(paths))
    if not any(run.metrics for run in runs):
        raise ClcapError("report needs a *.metrics.json or *.retrieval.json with metrics; none of the files has any")
    return sorted(runs, key=is_human)
