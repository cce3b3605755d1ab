"""Run cards: the files that a result was created from, directly or indirectly."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from clcap_cli.artifacts.lineage import read_provenance, recorded_path
from clcap_cli.artifacts.provenance import BASE, MAX_SETTINGS, Origin, Provenance
from clcap_cli.console import print_warning
from clcap_cli.errors import ClcapError

FILE_SUFFIXES = (".h5", ".pt", ".json", ".jsonl", ".csv", ".parquet")
"""Suffixes of the files that stages read and write."""
CHECKPOINT, TARGET = "checkpoint", "target"
"""Roles of the model of a run, and of the model that its fine-tuning started from."""
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
    """The inputs of a file, except those whose paths clcap never records, and the base, which is an earlier target."""
    for item in (one for one in provenance.inputs if one.role != BASE):
        with suppress(ClcapError):
            yield item.role, recorded_path(path, item), item.id


def target_ids(cards: Sequence[RunCard]) -> list[str]:
    """The ids of the models that the run's own was trained from, directly or indirectly, the latest first."""
    return [card.id for card in cards if TARGET in card.role.split()]


def _is_file(value: object) -> bool:
    """Whether a setting is a file or a folder, whose path differs between machines."""
    values = value if isinstance(value, list) else [value]
    return any(isinstance(item, str) and ("/" in item or Path(item).suffix in FILE_SUFFIXES) for item in values)
