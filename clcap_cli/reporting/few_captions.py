"""A warning about runs that give most images the same few captions."""

from collections.abc import Sequence

from clcap_cli.datasets.records import counted
from clcap_cli.errors import first_few
from clcap_cli.evaluation.runs import Run
from clcap_cli.training.collapse import FEW_UNIQUE

WHY = "equal captions rank all images alike, so R@1 cannot exceed the share of different captions."


def few_captions_warnings(runs: Sequence[Run]) -> list[str]:
    """One sentence that names the runs with fewer different captions than ``FEW_UNIQUE`` of their images; or none."""
    numbers = {run.name: len({image.caption for image in run.images.values()}) for run in runs}
    few = [
        f"{run.name} {numbers[run.name]:,} in {counted(len(run.images), 'image')}"
        for run in runs
        if numbers[run.name] < FEW_UNIQUE * len(run.images)
    ]
    if not few:
        return []
    return [f"Few different captions: {first_few(few)}; {WHY}"]
