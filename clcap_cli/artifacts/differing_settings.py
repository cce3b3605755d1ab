"""What runs differ in besides their metrics, from the run cards of each."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clcap_cli.artifacts.run_cards import CHECKPOINT, SEED, TARGET, RunCard

DATA_ROLES = ("captions", "features", "training", "references", "predictions", "document frequencies")
"""Roles of the input data, which all runs of an experiment share; files with other roles are created by a run."""
FILE, DATA, STAGE = "file", "data", "stage"
OF_NETWORK = ("model", "init_from", "embedding", "hidden", "model_option", "tokenizer", "max_length")
"""Settings that only the first training of a model has; those of a fine-tuned model are its target's."""
FIRST = (STAGE, "model", TARGET, "objective", "k", "negatives")
"""Settings of a model that are listed first."""
DEFAULT = "default"
"""Value of an option that was not given."""
NOT_SET: tuple[object, ...] = (None, False, [])
"""Values of options that change nothing."""


@dataclass(frozen=True)
class DifferingSetting:
    """A setting that is not the same in all runs, or a file that not all of them have."""

    role: str
    """Role of the file that the setting belongs to."""
    setting: str
    """Name of the setting; also "stage", "clcap", "torch", "data" for the id of input data, "file" for a file that not
    all runs have, and "target" for the name of the run that fine-tuning started from."""
    values: list[Any]
    """Value of each run; "default" for an option that was not given, None without the file or the setting."""


def differing_settings(cards_of_runs: Sequence[Sequence[RunCard]]) -> list[DifferingSetting]:
    """The settings and data in which runs differ, except seeds, from the run cards of each run.

    Settings of the models are listed first. A setting that only some of the stages have counts if it changes something.
    """
    by_role = [cards_by_role(cards) for cards in cards_of_runs]
    roles = dict.fromkeys(role for cards in by_role for role in cards)
    return in_order([row for role in roles for row in _differing_in_role(role, by_role)])


def in_order(rows: Sequence[DifferingSetting]) -> list[DifferingSetting]:
    """The rows with those of the models first, and among these the most important ones."""

    def place(row: DifferingSetting) -> tuple[bool, int]:
        is_first = row.role == CHECKPOINT and row.setting in FIRST
        return row.role != CHECKPOINT, FIRST.index(row.setting) if is_first else len(FIRST)

    return sorted(rows, key=place)


def cards_by_role(cards: Sequence[RunCard]) -> dict[str, RunCard]:
    """The cards by their roles; those of earlier models are numbered, because their ids are other ones in every run."""
    found: dict[str, RunCard] = {}
    for card in cards:
        role = card.role.removesuffix(f" {card.id}")
        number = sum(other.rstrip(" 0123456789") == role for other in found)
        found[f"{role} {number + 1}" if number and role != card.role else role] = card
    return found


def seeds_by_role(cards: Sequence[RunCard]) -> dict[str, Hashable]:
    """The seed of the stage that made each file, by the file's role; the files made first come last."""
    seeds = {role: card.settings[SEED] for role, card in cards_by_role(cards).items() if SEED in card.settings}
    return {role: seed if isinstance(seed, Hashable) else str(seed) for role, seed in seeds.items()}


def _differing_in_role(role: str, by_role: Sequence[Mapping[str, RunCard]]) -> Iterator[DifferingSetting]:
    cards = [cards.get(role) for cards in by_role]
    ids = [card and card.id for card in cards]
    if None in ids:
        yield DifferingSetting(role, FILE, ids)
    if role in DATA_ROLES and _differ(ids, cards):
        yield DifferingSetting(role, DATA, ids)
    for name in ("stage", "clcap", "torch"):
        if _differ(values := [card and getattr(card, name) for card in cards], cards):
            yield DifferingSetting(role, name, values)
    settings = [_settings(role, cards) for cards in by_role]
    for name in _compared(role, [one for one, card in zip(settings, cards, strict=True) if card], cards):
        if _differ([one.get(name) for one in settings], cards):
            yield DifferingSetting(role, name, [_value(one, name) for one in settings])


def _settings(role: str, cards: Mapping[str, RunCard]) -> dict[str, Any]:
    """The settings of a run's file; those of a network are listed once, as settings of the run's own model."""
    own = cards[role].settings if role in cards else {}
    if role != CHECKPOINT:
        is_target = TARGET in role.split()
        return {name: value for name, value in own.items() if not (is_target and name in OF_NETWORK)}
    targets = [card.settings for other, card in cards.items() if TARGET in other.split()]
    inherited = {name: one[name] for one in reversed(targets) for name in OF_NETWORK if name in one}
    return {**inherited, **own}


def _compared(role: str, settings: Sequence[Mapping[str, Any]], cards: Sequence[RunCard | None]) -> Iterator[str]:
    """The settings that files of one role are compared in.

    Of models from different stages, those that all stages have and those that some run sets; of other files from
    different stages, those that all have.
    """
    same_stage = len({card.stage for card in cards if card}) == 1
    is_model = role == CHECKPOINT or TARGET in role.split()
    for name in dict.fromkeys(name for one in settings for name in one if name not in (SEED, TARGET)):
        is_set = is_model and any(one.get(name) not in NOT_SET for one in settings)
        if same_stage or is_set or all(name in one for one in settings):
            yield name


def _value(settings: Mapping[str, Any], name: str) -> Any:
    return DEFAULT if name in settings and settings[name] is None else settings.get(name)


def _differ(values: Sequence[Any], cards: Sequence[RunCard | None]) -> bool:
    """Whether the runs that have a card differ in these values."""
    known = [value for value, card in zip(values, cards, strict=True) if card]
    return any(value != known[0] for value in known)
