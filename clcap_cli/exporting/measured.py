"""The metrics of a captioner: those of the files beside its checkpoint that were computed from it."""

from pathlib import Path

from clcap_cli.artifacts.checkpoints import Checkpoint
from clcap_cli.artifacts.results import Results, open_results
from clcap_cli.artifacts.run_cards import CHECKPOINT
from clcap_cli.console import print_warning
from clcap_cli.errors import ClcapError
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.metrics.registry import info_of

SUFFIXES = (".metrics.json", ".retrieval.json")


def measured(checkpoint: Checkpoint) -> list[Results]:
    """All metrics and retrieval files beside the checkpoint that belong to it by their provenance.

    Warns of files that cannot be read.
    """
    folder = checkpoint.path.parent
    paths = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIXES) and path.is_file())
    return [results for path in paths for results in _readable(path) if _is_of(results, checkpoint.provenance.id)]


def _readable(path: Path) -> list[Results]:
    """The opened file; empty, with a warning, if it cannot be read."""
    try:
        return [open_results(path)]
    except ClcapError as error:
        print_warning(f"the model card leaves out the metrics of {path.name}: {error}")
        return []


def split_of(results: Results) -> str:
    """The split that was measured."""
    return str(results.provenance.settings.get("split", ""))


def summary_of(results: Results) -> dict[str, MetricInfo]:
    """The metrics of a file that ``evaluate`` prints."""
    infos = {name: info_of(name) for name in results.metrics}
    return {name: info for name, info in infos.items() if info and info.in_summary}


def _is_of(results: Results, id: str) -> bool:
    """Whether the captions were written by the captioner with this id alone, and not by an ensemble."""
    if results.ranking is not None:
        return results.ranking.captions.id == id
    models = [card.id for card in results.made_from if card.role.startswith(CHECKPOINT)]
    return models == [id]
