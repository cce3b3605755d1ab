"""The objectives by the names that users type, and who takes which option of train-cl."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.objectives.objective import Objective
from clcap_cli.registry import Registry

OBJECTIVES: Registry[type[Objective]] = Registry(
    "objective",
    "clcap.objectives",
    {
        "contrastive": "clcap_cli.objectives.contrastive:Contrastive",
        "positives-only": "clcap_cli.objectives.positives_only:PositivesOnly",
        "negatives-only": "clcap_cli.objectives.negatives_only:NegativesOnly",
        "introspective": "clcap_cli.objectives.introspective:Introspective",
        "adversarial": "clcap_cli.objectives.adversarial:Adversarial",
        "dpo": "clcap_cli.objectives.dpo:DPO",
        "simpo": "clcap_cli.objectives.simpo:SimPO",
    },
    base_class=Objective,
)
CONDITIONAL_OPTIONS: dict[str, Callable[[type[Objective]], bool]] = {
    "negatives": lambda kind: kind.needs_negatives,
    "redraw_negatives": lambda kind: kind.redraws_negatives is not None,
    "ref_features": lambda kind: kind.needs_reference,
    "no_cache": lambda kind: kind.needs_reference,
    "discriminator": lambda kind: kind.has_discriminator,
    "max_tokens": lambda kind: kind.splits_batches,
}
"""Options of train-cl that not every objective takes: which ones do."""


def builtin_objectives() -> dict[str, type[Objective]]:
    """clcap's own objectives by name; nothing of an installed package is imported."""
    return {name: OBJECTIVES.get(name) for name in OBJECTIVES.builtin}


def objectives_by_suffix() -> dict[str, str]:
    """The name of every objective by the suffix of its output; where two share one, clcap's own has it.

    An objective of a package that cannot be loaded is left out.
    """
    found: dict[str, str] = {}
    for name in OBJECTIVES.names:
        try:
            found.setdefault(OBJECTIVES.get(name).suffix, name)
        except ClcapError:
            continue
    return found


def configure_objective(name: str, options: Mapping[str, Any]) -> Objective:
    """The objective ``name`` with these options of its own; the others have their defaults.

    Raises InvalidValueError for an unknown objective, for an option that it does not take and for a value that the
    option cannot have; ClcapError for an objective of a package that cannot be loaded.
    """
    from pydantic import TypeAdapter, ValidationError

    if name not in OBJECTIVES.names:
        known = ", ".join(f"'{one}'" for one in OBJECTIVES.names)
        raise InvalidValueError("objective", f"'{name}' is not one of {known}")
    check_options(name, options)
    try:
        return TypeAdapter(OBJECTIVES.get(name)).validate_python(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidValueError(str(first["loc"][0]), first["msg"]) from error


def check_options(name: str, options: Iterable[str]) -> None:
    """Raise InvalidValueError for the first of the options that the objective ``name`` does not take."""
    kind = OBJECTIVES.get(name)
    for option in options:
        if not _takes(kind, option):
            raise InvalidValueError(option, f"the objective {name} does not take it; {_instead(kind, option)}")


def check_selection(learned: Objective, name: str, select_by: str) -> None:
    """Raise InvalidValueError where the objective's loss cannot choose a checkpoint and is to."""
    if select_by == "loss" and not learned.has_comparable_loss:
        raise InvalidValueError(
            "select_by", f"the loss of --objective {name} changes with its discriminator; give mean-rank or cider"
        )


def _takes(kind: type[Objective], option: str) -> bool:
    return CONDITIONAL_OPTIONS[option](kind) if option in CONDITIONAL_OPTIONS else option in _own_options(kind)


def _instead(kind: type[Objective], option: str) -> str:
    takers = [name for name, one in builtin_objectives().items() if _takes(one, option)]
    if takers:
        return f"these do: {', '.join(takers)}"
    return f"its own options: {', '.join(_own_options(kind)) or 'none'}"


def _own_options(kind: type[Objective]) -> list[str]:
    return [field.name for field in fields(kind)]
