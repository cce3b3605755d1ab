"""Run cards: the files that a result was created from, directly or indirectly, and how those of two results differ."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from clcap_cli.artifacts.lineage import read_provenance, recorded_path
from clcap_cli.artifacts.provenance import MAX_SETTINGS, Origin, Provenance
from clcap_cli.console import print_warning
from clcap_cli.errors import ClcapError

FILE_SUFFIXES = (".h5", ".pt", ".json", ".jsonl", ".csv", ".parquet")
"""Suffixes of the files that stages read and write."""
DATA_ROLES = ("captions", "features", "training", "references", "predictions", "document frequencies")
"""Roles of the input data, which all runs of an experiment share; files with other roles are created by a run."""
SEED = "seed"
MAX_CARDS = 1000
"""Largest number of run cards of a result."""


class RunCard(BaseModel):
    """One of the files that a result was created from."""

    role: str
    id: str
    stage: str | None = None
    """Stage that wrote the file; None if clcap did not write it or it no longer exists."""
    settings: dict[str, Any] = Field(default={}, max_length=MAX_SETTINGS)
    """Settings of the stage, except files."""
    clcap: str = ""
    torch: str = ""


def collect_run_cards(origin: Origin) -> list[RunCard]:
    """The run cards of all direct and indirect inputs of ``origin`` that still exist.

    Warns if there are more than ``MAX_CARDS``, of which the others are left out.
    """
    cards: dict[str, RunCard] = {}
    queue, seen = deque(origin.inputs), set()
    while queue and len(cards) < MAX_CARDS:
        role, path, id = queue.popleft()
        if id in seen:
            continue
        seen.add(id)
        role = role if role not in cards else f"earlier {role} {id}"
        provenance = _provenance_of(path, id)
        cards[role] = _run_card(role, id, provenance)
        queue += _recorded_inputs(path, provenance) if provenance else []
    if queue:
        print_warning(f"the results record {MAX_CARDS} of the files that they were made from; others are left out")
    return list(cards.values())


def _provenance_of(path: Path, id: str) -> Provenance | None:
    """The provenance of a file; None if it does not exist, is another file now or was not written by clcap."""
    try:
        provenance = read_provenance(path)
    except ClcapError:
        return None
    return provenance if provenance.id == id else None


def _run_card(role: str, id: str, provenance: Provenance | None) -> RunCard:
    if provenance is None:
        return RunCard(role=role, id=id)
    settings = {name: value for name, value in provenance.settings.items() if not _is_file(value)}
    return RunCard(
        role=role,
        id=id,
        stage=provenance.stage,
        settings=settings,
        clcap=provenance.clcap,
        torch=provenance.torch,
    )


def _recorded_inputs(path: Path, provenance: Provenance) -> Iterator[tuple[str, Path, str]]:
    """The inputs of a file, except those whose paths clcap never records."""
    for item in provenance.inputs:
        with suppress(ClcapError):
            yield item.role, recorded_path(path, item), item.id


def card_differences(first: Sequence[RunCard], second: Sequence[RunCard]) -> list[str]:
    """Differences between the files that two results were created from, except seeds; one line per difference."""
    first_by_role, second_by_role = ({card.role: card for card in cards} for cards in (first, second))
    lines = []
    for role in dict.fromkeys([*first_by_role, *second_by_role]):
        if role in first_by_role and role in second_by_role:
            lines += _differences_in_role(role, first_by_role[role], second_by_role[role])
        else:
            lines.append(f"{role}: only the {'first' if role in first_by_role else 'second'} has one")
    return lines


def seeds_by_role(cards: Sequence[RunCard]) -> dict[str, Any]:
    """The seed of the stage that made each file, by the file's role; the files made first come last."""
    return {card.role: card.settings[SEED] for card in cards if SEED in card.settings}


def _differences_in_role(role: str, first: RunCard, second: RunCard) -> list[str]:
    other_data = role in DATA_ROLES and first.id != second.id
    lines = [f"{role}: different data ({first.id} and {second.id})"] if other_data else []
    same_stage = first.stage == second.stage
    for name in dict.fromkeys([*first.settings, *second.settings]):
        pair = first.settings.get(name), second.settings.get(name)
        comparable = same_stage or (name in first.settings and name in second.settings)
        if name != SEED and comparable and pair[0] != pair[1]:
            lines.append(f"{role}: {name} {pair[0]} and {pair[1]}")
    for name in ("stage", "clcap", "torch"):
        pair = getattr(first, name), getattr(second, name)
        if pair[0] != pair[1]:
            lines.append(f"{role}: {name} {pair[0]} and {pair[1]}")
    return lines


def _is_file(value: object) -> bool:
    """Whether a setting is a file or a folder, whose path differs between machines."""
    values = value if isinstance(value, list) else [value]
    return any(isinstance(item, str) and ("/" in item or Path(item).suffix in FILE_SUFFIXES) for item in values)
