"""Run cards: the files that a result was created from, directly or indirectly, and how those of two results differ."""

from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
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
CHECKPOINT, TARGET = "checkpoint", "target"
"""Roles of the model of a run, and of the model that its fine-tuning started from."""
SEED = "seed"
FILE, DATA = "file", "data"
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


@dataclass(frozen=True)
class DifferingSetting:
    """A setting that is not the same in all runs, or a file that not all of them have."""

    role: str
    """Role of the file that the setting belongs to."""
    setting: str
    """Name of the setting; also "stage", "clcap", "torch", "data" for the id of input data, and "file" for a file that
    not all runs have."""
    values: list[Any]
    """Value of each run; None for a run without the file or the setting."""

    def as_line(self, names: Sequence[str]) -> str:
        """The difference as text, for runs with these names."""
        if self.setting == FILE:
            having = [name for name, value in zip(names, self.values, strict=True) if value is not None]
            return f"{self.role}: only {' and '.join(having)} {'has' if len(having) == 1 else 'have'} one"
        values = " and ".join(map(str, self.values))
        return (
            f"{self.role}: different data ({values})"
            if self.setting == DATA
            else f"{self.role}: {self.setting} {values}"
        )


def differing_settings(cards_of_runs: Sequence[Sequence[RunCard]]) -> list[DifferingSetting]:
    """The settings and data in which runs differ, except seeds, from the run cards of each run."""
    by_role = [{card.role: card for card in cards} for cards in cards_of_runs]
    roles = dict.fromkeys(role for cards in by_role for role in cards)
    return [row for role in roles for row in _differing_in_role(role, [cards.get(role) for cards in by_role])]


def target_ids(cards: Sequence[RunCard]) -> list[str]:
    """The ids of the models that the run's own was trained from, directly or indirectly, the latest first."""
    return [card.id for card in cards if TARGET in card.role.split()]


def seeds_by_role(cards: Sequence[RunCard]) -> dict[str, Hashable]:
    """The seed of the stage that made each file, by the file's role; the files made first come last."""
    seeds = {card.role: card.settings[SEED] for card in cards if SEED in card.settings}
    return {role: seed if isinstance(seed, Hashable) else str(seed) for role, seed in seeds.items()}


def _differing_in_role(role: str, cards: Sequence[RunCard | None]) -> list[DifferingSetting]:
    known = [card for card in cards if card]
    ids = [card and card.id for card in cards]
    rows = {FILE: ids} if None in cards else {}
    rows |= {DATA: ids} if role in DATA_ROLES else {}
    rows |= {name: [card and card.settings.get(name) for card in cards] for name in _compared_settings(known)}
    rows |= {name: [card and getattr(card, name) for card in cards] for name in ("stage", "clcap", "torch")}
    differing = {name: values for name, values in rows.items() if name == FILE or _differ(values, cards)}
    return [DifferingSetting(role, name, values) for name, values in differing.items()]


def _compared_settings(cards: Sequence[RunCard]) -> list[str]:
    """The settings that files of one role are compared in: of files from different stages, those that all have."""
    names = dict.fromkeys(name for card in cards for name in card.settings if name != SEED)
    same_stage = len({card.stage for card in cards}) == 1
    return [name for name in names if same_stage or all(name in card.settings for card in cards)]


def _differ(values: Sequence[Any], cards: Sequence[RunCard | None]) -> bool:
    """Whether the runs that have a card differ in these values."""
    known = [value for value, card in zip(values, cards, strict=True) if card]
    return any(value != known[0] for value in known)


def _is_file(value: object) -> bool:
    """Whether a setting is a file or a folder, whose path differs between machines."""
    values = value if isinstance(value, list) else [value]
    return any(isinstance(item, str) and ("/" in item or Path(item).suffix in FILE_SUFFIXES) for item in values)
