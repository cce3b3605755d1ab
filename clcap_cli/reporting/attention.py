"""The attention of the captions of runs, from files beside them or given."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clcap_cli.artifacts.attention import SUFFIX, Attention, open_attention
from clcap_cli.evaluation.runs import Run
from clcap_cli.input_files import is_file


@dataclass(frozen=True)
class FoundAttention:
    """Attention files, assigned to the runs whose captions they are of."""

    by_run: dict[str, Attention]
    """The attention of runs by their names."""
    messages: list[str]
    """A sentence for each file that is ignored."""


def find_attention(runs: Sequence[Run], given: Sequence[Path] = ()) -> FoundAttention:
    """The attention of the runs: of each run the file with its name in its folder, or one of those ``given``.

    A file is ignored if it is of other captions. Raises ClcapError for a damaged file.
    """
    found = FoundAttention({}, [])
    for path in dict.fromkeys([*given, *(path for run in runs if is_file(path := _path_beside(run)))]):
        opened = open_attention(path)
        own_first = sorted(runs, key=lambda run: _path_beside(run) != path)
        candidates = [run for run in (own_first if path in given else own_first[:1]) if run.name not in found.by_run]
        owner = next((run for run in candidates if _is_of(opened, run)), None)
        if owner:
            found.by_run[owner.name] = opened
        elif candidates:
            found.messages.append(_ignored(path, candidates[0] if path not in given else None))
    return found


def _path_beside(run: Run) -> Path:
    return run.path.with_name(f"{run.path.name}{SUFFIX}")


def _is_of(attention: Attention, run: Run) -> bool:
    """Whether the file is of the run's captions, of at least one image and of no image with another caption."""
    common = attention.captions.keys() & run.images.keys()
    return bool(common) and all(
        run.images[id].caption in [one.caption for one in attention.captions[id]] for id in common
    )


def _ignored(path: Path, run: Run | None) -> str:
    captions = f"the captions of {run.name}" if run else "captions of any of the runs"
    return f"{path} is not of {captions}, so the page leaves it out; caption --attention makes it again"
