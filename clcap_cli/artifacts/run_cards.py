"""Run cards: what a result was made from, all the way back, and in what two results differ by that."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.errors import ClcapError

FILE_SUFFIXES = (".h5", ".pt", ".json", ".jsonl", ".csv", ".parquet")
"""Of the files that stages read and write."""
DATA_ROLES = ("captions", "features", "training", "references", "predictions", "document frequencies")
"""Roles whose files are the same in every run of an experiment; those of the others come out of the run."""
SEED = "seed"


class RunCard(BaseModel):
    """One file that a result was made from."""

    role: str
    id: str
    stage: str | None = None
    """None for a file that clcap did not write or that is not there any more."""
    settings: dict[str, Any] = {}
    """Those of the stage which are no files."""
    clcap: str = ""
    torch: str = ""


def collect_run_cards(origin: Origin) -> list[RunCard]:
    """The card of every file behind what is about to be written, as far as they are there."""
    cards: dict[str, RunCard] = {}
    waiting = list(origin.inputs)
    while waiting:
        role, path, id = waiting.pop(0)
        if any(card.id == id for card in cards.values()):
            continue
        role = role if role not in cards else f"earlier {role} {id}"
        cards[role] = RunCard(role=role, id=id)
        try:
            found = read_provenance(path)
        except ClcapError:
            continue
        if found.id == id:
            settings = {name: value for name, value in found.settings.items() if not _is_file(value)}
            cards[role] = RunCard(
                role=role, id=id, stage=found.stage, settings=settings, clcap=found.clcap, torch=found.torch
            )
            waiting += [(item.role, path.resolve().parent / item.path, item.id) for item in found.inputs]
    return list(cards.values())


def card_differences(first: Sequence[RunCard], second: Sequence[RunCard]) -> list[str]:
    """In what two results differ by what they were made from, seeds left aside; one line each."""
    mine, theirs = ({card.role: card for card in cards} for cards in (first, second))
    lines = []
    for role in dict.fromkeys([*mine, *theirs]):
        if role in mine and role in theirs:
            lines += _differences_in_role(role, mine[role], theirs[role])
        else:
            lines.append(f"{role}: only the {'first' if role in mine else 'second'} has one")
    return lines


def same_setting(first: Sequence[RunCard], second: Sequence[RunCard]) -> bool:
    """Whether two results are of one setting with different seeds."""
    return bool(first) and _seeds(first) != _seeds(second) and not card_differences(first, second)


def _differences_in_role(role: str, mine: RunCard, theirs: RunCard) -> list[str]:
    lines = [f"{role}: other data ({mine.id} and {theirs.id})"] if role in DATA_ROLES and mine.id != theirs.id else []
    same_stage = mine.stage == theirs.stage
    for name in dict.fromkeys([*mine.settings, *theirs.settings]):
        pair = mine.settings.get(name), theirs.settings.get(name)
        told = same_stage or (name in mine.settings and name in theirs.settings)
        if name != SEED and told and pair[0] != pair[1]:
            lines.append(f"{role}: {name} {pair[0]} and {pair[1]}")
    for name in ("stage", "clcap", "torch"):
        pair = getattr(mine, name), getattr(theirs, name)
        if pair[0] != pair[1]:
            lines.append(f"{role}: {name} {pair[0]} and {pair[1]}")
    return lines


def _seeds(cards: Sequence[RunCard]) -> list[Any]:
    return [card.settings.get(SEED) for card in cards]


def _is_file(value: object) -> bool:
    """Whether a setting names a file or a folder, which every machine keeps elsewhere."""
    values = value if isinstance(value, list) else [value]
    return any(isinstance(one, str) and ("/" in one or Path(one).suffix in FILE_SUFFIXES) for one in values)
