"""Whether a file comes from the same training run as another one: the same settings and the same inputs."""

from collections.abc import Mapping
from pathlib import Path

from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.artifacts.provenance import Origin, Provenance
from clcap_cli.compute.settings import CHOSEN_BY_THE_RUN
from clcap_cli.errors import ClcapError

AUTOMATIC = (None, "auto")
"""Values with which a run chooses a setting for itself."""


def differences(saved: Provenance, origin: Origin, options: Mapping[str, str]) -> list[str]:
    """Differences between the run of a saved file and the run of ``origin``, in words.

    ``options`` maps each setting that determines the result to its option, such as --lr. Inputs are compared by their
    content; one that was extended since, such as features.h5 with more images, is the same. A setting that ``saved``
    lacks, because an earlier version of clcap had no such setting, is no difference.
    """
    if saved.stage != origin.stage:
        return [f"made by {saved.stage}, here {origin.stage}"]
    return [*_different_settings(saved, origin, options), *_different_inputs(saved, origin)]


def _different_settings(saved: Provenance, origin: Origin, options: Mapping[str, str]) -> list[str]:
    lines = []
    for name, option in options.items():
        now = origin.settings.get(name)
        before = saved.settings.get(name, now)
        automatic = name in CHOSEN_BY_THE_RUN and (before in AUTOMATIC or now in AUTOMATIC)
        if before != now and not automatic:
            lines.append(f"{_as_typed(option, before)}, here {_as_typed(option, now)}")
    return lines


def _different_inputs(saved: Provenance, origin: Origin) -> list[str]:
    before, now = {one.role: one for one in saved.inputs}, {role: (path, id) for role, path, id in origin.inputs}
    lines = []
    for role in dict.fromkeys([*now, *before]):
        if role not in now:
            lines.append(f"{role} {before[role].path}, here none")
        elif role not in before:
            lines.append(f"no {role}, here {now[role][0]}")
        elif before[role].id != now[role][1] and not _extends(now[role][0], before[role].id):
            lines.append(f"{role} {before[role].path} with id {before[role].id}, here {_with_id(*now[role])}")
    return lines


def changed_inputs(saved: Provenance, origin: Origin, folder: Path) -> list[Path]:
    """Inputs whose content has changed since a file in ``folder`` was made from them at the same path."""
    before = {one.role: one for one in saved.inputs}
    return [
        path
        for role, path, id in origin.inputs
        if role in before and before[role].id != id and (folder / before[role].path).resolve() == path.resolve()
    ]


def _extends(path: Path, id: str) -> bool:
    """Whether the file has all content of an earlier version, which had this ``id``."""
    try:
        return read_provenance(path).is_or_extends(id)
    except ClcapError:
        return False


def _with_id(path: Path, id: str) -> str:
    return f"{path} with id {id}"


def _as_typed(option: str, value: object) -> str:
    """An option with its value as on the command line; ``option`` has two names for a choice of two."""
    yes, _, no = option.partition("/")
    if isinstance(value, bool):
        return yes if value else no or f"no {yes}"
    if value is None:
        return f"no {option}"
    return " ".join([option, *map(str, value if isinstance(value, list) else [value])])
