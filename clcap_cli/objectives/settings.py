"""The options of all objectives as parameters of train-cl.

Objectives may share an option: --beta is one parameter whose meaning and default depend on the chosen objective.
"""

from collections import defaultdict
from dataclasses import field, fields, make_dataclass
from typing import Annotated, Any, get_args, get_type_hints

from clcap_cli.objectives.objective import Objective
from clcap_cli.objectives.registry import builtin_objectives
from clcap_cli.options import Option, Panel, named_values

PLUGIN_OPTION = "objective_option"
NamedValues = Annotated[
    list[str] | None,
    Option("Option of an objective of an installed package.", Panel.OBJECTIVE, "none", placeholder="NAME=VALUE"),
]


def given_options(settings: Any) -> dict[str, Any]:
    """The options that were set, by name; ``settings`` is an ``ObjectiveSettings``."""
    set_options = {name: value for name, value in vars(settings).items() if name != PLUGIN_OPTION and value is not None}
    return {**set_options, **named_values(PLUGIN_OPTION, getattr(settings, PLUGIN_OPTION) or [], "margin=2")}


def summaries() -> str:
    """One line per built-in objective, for the help of --objective."""
    return " ".join(
        f"{name}: {(objective.__doc__ or '').splitlines()[0]}" for name, objective in builtin_objectives().items()
    )


def _parameters() -> dict[str, Any]:
    """Types of the parameters by name; an option that several objectives share becomes one parameter."""
    accepting: dict[str, dict[str, type[Objective]]] = defaultdict(dict)
    for name, objective in builtin_objectives().items():
        for option in fields(objective):
            accepting[option.name][name] = objective
    return {option: _parameter(option, objectives) for option, objectives in accepting.items()}


def _parameter(option: str, accepting: dict[str, type[Objective]]) -> Any:
    """Type of an option with its help; None if not set, and without limits.

    The help names the objectives that accept the option, unless all do.
    """
    meanings: dict[str, list[str]] = defaultdict(list)
    defaults: dict[str, list[str]] = defaultdict(list)
    for name, objective in accepting.items():
        kind, *marks = get_args(get_type_hints(objective, include_extras=True)[option])
        meanings[next(mark for mark in marks if isinstance(mark, Option)).help.rstrip(".")].append(name)
        defaults[f"{getattr(objective, option):g}"].append(name)
    all_accept = len(accepting) == len(builtin_objectives())
    text = ". ".join(meanings if all_accept else (f"{one} ({', '.join(names)})" for one, names in meanings.items()))
    by_objective = ", ".join(f"{value} for {' and '.join(names)}" for value, names in defaults.items())
    default = by_objective if len(defaults) > 1 else next(iter(defaults))
    return Annotated[kind | None, Option(f"{text}.", Panel.OBJECTIVE, default)]


ObjectiveSettings = make_dataclass(
    "ObjectiveSettings",
    [
        (name, value_type, field(default=None))
        for name, value_type in {**_parameters(), PLUGIN_OPTION: NamedValues}.items()
    ],
    frozen=True,
)
OBJECTIVE_SETTINGS: Any = ObjectiveSettings()
"""Settings without any option set; each option has the default of the chosen objective."""
