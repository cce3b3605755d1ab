"""Which two runs the page compares image by image when it opens."""

from collections.abc import Sequence

from clcap_cli.evaluation.compared_runs import ComparedRuns
from clcap_cli.evaluation.human_captions import is_human
from clcap_cli.evaluation.runs import Run
from clcap_cli.evaluation.training_order import parent_of
from clcap_cli.reporting.page.data import MAX_RUNS_PER_IMAGE


def selected_runs(shown: Sequence[Run], compared: ComparedRuns | None) -> tuple[int, int]:
    """The positions of the run "before", which is the baseline's, and of the run "after", another system's.

    The run "after" was trained from the run "before", if there is such a run.
    """
    systems = [position for position, run in enumerate(shown) if not is_human(run)] or [*range(len(shown))] or [0]
    names = compared.baseline.runs if compared else []
    before = next((position for position in systems if shown and shown[position].name in names), systems[0])
    others = [position for position in systems if position != before and shown[position].name not in names]
    trained = [position for position in others if parent_of(shown[position], shown) is shown[before]]
    chosen = trained or others or [position for position in systems if position != before] or [before]
    return before, chosen[0] if len(shown) > MAX_RUNS_PER_IMAGE else chosen[-1]
