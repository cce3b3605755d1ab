"""What runs differ in, in words."""

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

from clcap_cli.artifacts.differing_settings import (
    DATA,
    FILE,
    STAGE,
    DifferingSetting,
    differing_settings,
    in_order,
)
from clcap_cli.artifacts.run_cards import CHECKPOINT, TARGET
from clcap_cli.evaluation.comparability import CAPTIONS, decoding_differences
from clcap_cli.evaluation.run_names import common_pattern
from clcap_cli.evaluation.seed_groups import SeedGroup
from clcap_cli.evaluation.training_order import model_id

ROLES = {
    CHECKPOINT: "model",
    CAPTIONS: "captions",
    "captions": "prepared captions",
    "training": "training captions",
    "retrieval": "self-retrieval",
}
"""Words for the roles of files that do not speak for themselves."""
SETTINGS = {TARGET: "trained from", "clcap": "clcap version", "torch": "PyTorch version"}
IMAGES = "images"
UNKNOWN_MODEL = "another model"


def differences_of(groups: Sequence[SeedGroup], all_groups: Sequence[SeedGroup]) -> list[DifferingSetting]:
    """What settings differ in besides their metrics; ``all_groups`` have the models that they may be trained from."""
    runs = [group.runs[0] for group in groups]
    sizes = [len(run.entries) for run in runs]
    images = [DifferingSetting(CAPTIONS, IMAGES, sizes)] if len(set(sizes)) > 1 else []
    targets = _targets(groups, all_groups)
    trained = [DifferingSetting(CHECKPOINT, TARGET, targets)] if len(set(targets)) > 1 else []
    cards = [row for row in differing_settings([run.made_from for run in runs]) if not _is_target_file(row)]
    return in_order([*images, *decoding_differences(runs), *trained, *cards])


def role_text(row: DifferingSetting) -> str:
    """The file that a setting belongs to."""
    return ROLES.get(row.role, row.role)


def setting_text(row: DifferingSetting) -> str:
    """The name of a setting in words."""
    if row.setting == STAGE:
        return "trained by" if row.role == CHECKPOINT or TARGET in row.role.split() else "written by"
    return SETTINGS.get(row.setting, row.setting.replace("_", " "))


def value_texts(row: DifferingSetting) -> list[str]:
    """The values in words, empty for a run without one; files are numbered, because their ids say nothing."""
    if row.setting == FILE:
        return ["no" if value is None else "yes" for value in row.values]
    if row.setting == DATA:
        ids = list(dict.fromkeys(value for value in row.values if value is not None))
        return ["" if value is None else f"file {ids.index(value) + 1}" for value in row.values]
    return list(map(_text, row.values))


def as_line(row: DifferingSetting, names: Sequence[str]) -> str:
    """The difference as one line, for settings with these names."""
    having = [value is not None for value in row.values]
    owners = " and ".join(compress(names, having))
    if row.setting == FILE:
        return f"{role_text(row)}: only {owners} {'has' if sum(having) == 1 else 'have'} one"
    if row.setting == DATA:
        return f"{role_text(row)}: different data"
    only = "" if all(having) else f" (only {owners})"
    setting = "" if setting_text(row) == role_text(row) else f"{setting_text(row)} "
    return f"{role_text(row)}: {setting}{' and '.join(compress(value_texts(row), having))}{only}"


def as_records(rows: Sequence[DifferingSetting], names: Sequence[str]) -> list[dict[str, Any]]:
    """The differences for a file, with the values by the settings' names."""
    return [
        {"role": row.role, "setting": row.setting, "values": dict(zip(names, row.values, strict=True))} for row in rows
    ]


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _is_target_file(row: DifferingSetting) -> bool:
    return row.setting == FILE and TARGET in row.role.split()


def _targets(groups: Sequence[SeedGroup], all_groups: Sequence[SeedGroup]) -> list[str | None]:
    names = {model_id(run): run.name for group in all_groups for run in group.runs}
    return [_target(group, names) for group in groups]


def _target(group: SeedGroup, names: Mapping[str | None, str]) -> str | None:
    """The names of the runs that a setting's runs were trained from; None if they were not."""
    ids = dict.fromkeys(card.id for run in group.runs for card in run.made_from if card.role == TARGET)
    if not ids:
        return None
    return common_pattern([names[id] for id in ids]) if all(id in names for id in ids) else UNKNOWN_MODEL
