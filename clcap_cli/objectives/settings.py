"""The options of the objectives as parameters of train-cl.

Objectives can share the name of an option: --beta is one parameter, and what it means and is by default depends on the
chosen objective.
"""

from collections import defaultdict
from dataclasses import field, fields, make_dataclass
from typing import Annotated, Any, get_args, get_type_hints

from clcap_cli.objectives.objective import Objective
from clcap_cli.objectives.registry import builtin_objectives
from clcap_cli.options import Option, named_values

PANEL = "Objective"
OTHER = "objective_option"
NamedValues = Annotated[
    list[str] | None,
    Option("An option of a package's objective as NAME=VALUE; may be given again.", panel=PANEL),
]


def given_options(settings: Any) -> dict[str, Any]:
    """The options of the objective that are given, by name, from OBJECTIVE_SETTINGS or another one of its type."""
    named = {name: value for name, value in vars(settings).items() if name != OTHER and value is not None}
    return {**named, **named_values(OTHER, getattr(settings, OTHER) or [], "margin=2")}


def summaries() -> str:
    """What each of clcap's own objectives is, for the help of --objective."""
    return " ".join(f"{name}: {(kind.__doc__ or '').splitlines()[0]}" for name, kind in builtin_objectives().items())


def _parameters() -> dict[str, Any]:
    """The types of the parameters, by name, each worded for all objectives that take it."""
    takers: dict[str, dict[str, type[Objective]]] = defaultdict(dict)
    for name, kind in builtin_objectives().items():
        for one in fields(kind):
            takers[one.name][name] = kind
    return {option: _parameter(option, kinds) for option, kinds in takers.items()}


def _parameter(option: str, takers: dict[str, type[Objective]]) -> Any:
    """The option's type without its limits, which are the chosen objective's, and None where it is not given."""
    meanings: dict[str, list[str]] = defaultdict(list)
    for name, objective in takers.items():
        kind, *marks = get_args(get_type_hints(objective, include_extras=True)[option])
        wording = next(mark for mark in marks if isinstance(mark, Option))
        meanings[f"{wording.help}; default: {getattr(objective, option)}."].append(name)
    text = " ".join(f"{', '.join(names)}: {meaning}" for meaning, names in meanings.items())
    return Annotated[kind | None, Option(text, panel=PANEL)]


ObjectiveSettings = make_dataclass(
    "ObjectiveSettings",
    [(name, kind, field(default=None)) for name, kind in {**_parameters(), OTHER: NamedValues}.items()],
    frozen=True,
)
OBJECTIVE_SETTINGS: Any = ObjectiveSettings()
"""No option given: each has the default of the chosen objective."""
