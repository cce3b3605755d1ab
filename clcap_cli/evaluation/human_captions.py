"""Runs of human captions: references that leave-one-out set apart, scored or ranked like the captions of a system."""

from contextlib import suppress

from clcap_cli.artifacts.lineage import find_input, read_provenance
from clcap_cli.artifacts.results import Results
from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.runs import Run

STAGE = "leave-one-out"
ROLE = "results"


def is_human(run: Run) -> bool:
    """Whether the captions of the run are human."""
    return any(human_captions_id(source) is not None for source in run.sources)


def human_captions_id(results: Results) -> str | None:
    """The id of the captions that were scored or ranked; None if they are not human."""
    recorded = next((card for card in results.made_from if card.role == ROLE), None)
    if recorded is not None:
        return recorded.id if recorded.stage == STAGE else None
    with suppress(ClcapError):
        captions = read_provenance(find_input(results, ROLE, None, "--predictions"))
        return captions.id if captions.stage == STAGE else None
    return None
