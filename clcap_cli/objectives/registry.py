"""The objectives by name, and the options of train-cl that each of them accepts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

from clcap_cli.errors import ClcapError, InvalidValueError, reason_of
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
    base_class="clcap_cli.objectives.objective:Objective",
)
CONDITIONAL_OPTIONS: dict[str, Callable[[type[Objective]], bool]] = {
    "negatives": lambda objective_class: objective_class.needs_negatives,
    "redraw_negatives": lambda objective_class: objective_class.redraws_negatives is not None,
    "reference_pool": lambda objective_class: (
        objective_class.needs_reference and bool(objective_class.redraws_negatives)
    ),
    "ref_features": lambda objective_class: objective_class.needs_reference,
    "no_cache": lambda objective_class: objective_class.needs_reference,
    "k": lambda objective_class: objective_class.needs_negatives,
    "discriminator": lambda objective_class: objective_class.has_discriminator,
    "max_tokens": lambda objective_class: objective_class.splits_batches,
}
"""Options of train-cl that only some objectives accept, with the condition that an objective must meet."""


def builtin_objectives() -> dict[str, type[Objective]]:
    """clcap's own objectives by name; imports nothing from installed packages."""
    return {name: OBJECTIVES.get(name) for name in OBJECTIVES.builtin}


def objectives_by_suffix() -> dict[str, str]:
    """Names of all objectives by the suffix of their output; clcap's own objectives take precedence.

    Leaves out objectives of packages that cannot be loaded.
    """
    names_of_suffixes: dict[str, str] = {}
    for name in OBJECTIVES.names:
        try:
            names_of_suffixes.setdefault(OBJECTIVES.get(name).suffix, name)
        except ClcapError:
            continue
    return names_of_suffixes


def configure_objective(name: str, options: Mapping[str, Any]) -> Objective:
    """Create the objective ``name`` with the given options; other options have their defaults.

    Raises InvalidValueError for an option that it does not accept and for an invalid value, and ClcapError for an
    unknown objective and for one of a package that cannot be loaded.
    """
    from pydantic import TypeAdapter, ValidationError

    check_options(name, options)
    try:
        return TypeAdapter(OBJECTIVES.get(name)).validate_python(dict(options))
    except ValidationError as error:
        raise InvalidValueError(str(error.errors()[0]["loc"][0]), reason_of(error)) from error


def check_options(name: str, options: Iterable[str]) -> None:
    """Raise InvalidValueError for the first of the options that the objective ``name`` does not accept."""
    objective_class = OBJECTIVES.get(name)
    for option in options:
        if not _accepts(objective_class, option):
            raise InvalidValueError(
                option, f"the objective {name} does not accept it; {_alternatives(objective_class, option)}"
            )


def check_selection(objective: Objective, name: str, select_by: str) -> None:
    """Raise InvalidValueError if checkpoints are to be selected by a loss that is not comparable between steps."""
    if select_by == "loss" and not objective.has_comparable_loss:
        raise InvalidValueError(
            "select_by", f"the loss of --objective {name} changes with its discriminator; give mean-rank or cider"
        )


def _accepts(objective_class: type[Objective], option: str) -> bool:
    if option in CONDITIONAL_OPTIONS:
        return CONDITIONAL_OPTIONS[option](objective_class)
    return option in _field_names(objective_class)


def _alternatives(objective_class: type[Objective], option: str) -> str:
    accepting = [name for name, other_class in builtin_objectives().items() if _accepts(other_class, option)]
    if accepting:
        return f"these do: {', '.join(accepting)}"
    return f"its options: {', '.join(_field_names(objective_class)) or 'none'}"


def _field_names(objective_class: type[Objective]) -> list[str]:
    return [field.name for field in fields(objective_class)]
