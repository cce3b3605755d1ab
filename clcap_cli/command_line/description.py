"""The command line as data, for its help and for the reference in the documentation."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt

from clcap_cli.input_files import InputFolder
from clcap_cli.options import Argument, Option, Panel, Precondition
from clcap_cli.registry import NameIn
from clcap_cli.stages.parameter import Parameter
from clcap_cli.stages.stage import Stage

PLACEHOLDERS: Mapping[Any, str] = {int: "INT", float: "FLOAT", str: "TEXT", Path: "PATH"}
LIMITS = {Ge: ("ge", "≥"), Gt: ("gt", ">"), Le: ("le", "≤"), Lt: ("lt", "<")}
EXAMPLE = "Example: "


@dataclass(frozen=True)
class OptionHelp:
    """An option or argument of a stage."""

    key: str
    """Name in Python and in a --config file."""
    names: tuple[str, ...]
    """Names on the command line; of an argument the word that stands for it, such as CAPTIONS."""
    placeholder: str
    """Stands for the value; empty for a flag and for an argument."""
    text: str
    limits: str
    """Of a number, such as "≥ 1, ≤ 1000"."""
    choices: tuple[str, ...]
    default: str
    """Empty where there is none: for a flag, and for what is required."""
    required: bool
    repeatable: bool

    @property
    def usage(self) -> str:
        """As it is typed, such as "--epochs INT"."""
        several = "..." if self.repeatable and not self.placeholder else ""
        return f"{' / '.join(self.names)}{several} {self.placeholder}".rstrip()

    @property
    def notes(self) -> list[str]:
        """Its choices unless the text lists them, its default, and whether it is needed or may be repeated."""
        listed = all(choice in self.text for choice in self.choices)
        notes = [] if listed else [f"choices: {', '.join(self.choices)}"]
        notes += ["required"] if self.required else [f"default: {self.default}"] if self.default else []
        return [*notes, *(["repeatable"] if self.repeatable and self.placeholder else [])]


@dataclass(frozen=True)
class StageHelp:
    """A stage."""

    name: str
    usage: str
    """The command with what it requires."""
    summary: str
    """The first sentence."""
    details: tuple[str, ...]
    """Paragraphs that follow it."""
    panels: dict[Panel, list[OptionHelp]]
    examples: tuple[str, ...]
    """Commands."""


def describe(stage: Stage[Any], general: Sequence[Parameter]) -> StageHelp:
    """Everything that the help of a stage says; ``general`` are the options that every stage has."""
    summary, *paragraphs = paragraphs_of(stage.function)
    shown = [one for one in (*stage.parameters, *general) if not is_hidden(one)]
    placed = [(one.wording.panel, _option(one)) for one in shown]
    panels = {panel: [option for place, option in placed if place is panel] for panel in Panel}
    return StageHelp(
        name=stage.name,
        usage=usage_of(stage),
        summary=summary,
        details=tuple(text for text in paragraphs if not text.startswith(EXAMPLE)),
        panels={panel: found for panel, found in panels.items() if found},
        examples=tuple(text.removeprefix(EXAMPLE) for text in paragraphs if text.startswith(EXAMPLE)),
    )


def paragraphs_of(function: Any) -> list[str]:
    """The paragraphs of a docstring, each on one line."""
    return [" ".join(text.split()) for text in (inspect.getdoc(function) or "").split("\n\n")]


def names_of(parameter: Parameter) -> tuple[str, ...]:
    """What is typed for a parameter; of an argument the word that stands for it."""
    dashed = parameter.name.replace("_", "-")
    if isinstance(parameter.wording, Argument):
        return (dashed.upper(),)
    return tuple((parameter.wording.name or f"--{dashed}").split("/"))


def is_list(parameter: Parameter) -> bool:
    """Whether it takes several values."""
    return get_origin(parameter.kind) is list


def choices_of(parameter: Parameter) -> tuple[str, ...]:
    """The values of which it is one, where these are few; packages may add others."""
    if get_origin(parameter.kind) is Literal:
        return get_args(parameter.kind)
    names = name_in(parameter)
    return tuple(names.registry.builtin) if names and not names.separator else ()


def name_in(parameter: Parameter) -> NameIn | None:
    """The registry in which it names something."""
    return next((mark for mark in parameter.marks if isinstance(mark, NameIn)), None)


def _option(parameter: Parameter) -> OptionHelp:
    wording = parameter.wording
    return OptionHelp(
        key=parameter.name,
        names=names_of(parameter),
        placeholder="" if isinstance(wording, Argument) else wording.placeholder or _type_word(parameter),
        text=wording.help,
        limits=", ".join(f"{sign} {getattr(mark, name)}" for mark in parameter.marks for name, sign in _sign(mark)),
        choices=choices_of(parameter),
        default=_default(parameter),
        required=parameter.required,
        repeatable=is_list(parameter),
    )


def _sign(mark: Any) -> list[tuple[str, str]]:
    """The attribute of a limit, and its sign."""
    return [names for kind, names in LIMITS.items() if isinstance(mark, kind)]


def _type_word(parameter: Parameter) -> str:
    kind = parameter.kind
    kind = get_args(kind)[0] if is_list(parameter) else kind
    if kind is bool:
        return ""
    if any(isinstance(mark, InputFolder) for mark in parameter.marks):
        return "FOLDER"
    is_file = kind is Path and any(isinstance(mark, Precondition) for mark in parameter.marks)
    return "FILE" if is_file else "NAME" if choices_of(parameter) else PLACEHOLDERS[kind]


def _default(parameter: Parameter) -> str:
    value = parameter.default
    if parameter.required or value is False:
        return ""
    if value is None:
        return parameter.wording.default if isinstance(parameter.wording, Option) else ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def is_hidden(parameter: Parameter) -> bool:
    """Whether the help leaves the parameter out."""
    return isinstance(parameter.wording, Option) and parameter.wording.hidden


def usage_of(stage: Stage[Any]) -> str:
    """The command with its arguments and required options."""
    words = [f"clcap {stage.name}"]
    for one in map(_option, stage.parameters):
        is_argument = not one.names[0].startswith("-")
        words += [one.usage if one.required else f"[{one.usage}]"] if is_argument or one.required else []
    return " ".join([*words, "[OPTIONS]"])
