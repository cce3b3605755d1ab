"""The command-line reference, written from the parameters of the stages."""

import inspect
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt

from clcap_cli.app import STAGES
from clcap_cli.options import Argument, Option
from clcap_cli.stages.stage import Parameter, Stage

INTRODUCTION = """# Command-line reference

Every stage with its arguments, options and defaults, as `clcap STAGE --help` prints them. Each stage also takes
`--config FILE`, a YAML file with options, and `--print-config`, which prints all options as such a file and does
nothing else. `clcap --version` prints the version; `clcap --debug STAGE …` shows the traceback of an error.
"""
LIMITS = {Ge: ("≥", "ge"), Gt: (">", "gt"), Le: ("≤", "le"), Lt: ("<", "lt")}


def reference() -> str:
    """The page, as Markdown."""
    return "\n".join([INTRODUCTION, *(line for stage in STAGES for line in _section(stage))])


def _section(stage: Stage) -> Iterator[str]:
    yield f"## `{stage.name}`\n"
    for paragraph in (inspect.getdoc(stage.function) or "").split("\n\n"):
        text = " ".join(paragraph.split())
        example = text.removeprefix("Example: ")
        yield f"{_escaped(text)}\n" if example == text else f"```\n{example}\n```\n"
    for heading, parameters in _groups(stage.parameters).items():
        yield from _table(heading, parameters)


def _groups(parameters: Iterable[Parameter]) -> dict[str, list[Parameter]]:
    """Parameters by the heading under which the help lists them."""
    groups: dict[str, list[Parameter]] = defaultdict(list)
    for one in parameters:
        wording = _wording(one)
        groups["Argument" if isinstance(wording, Argument) else wording.panel or "Option"].append(one)
    return groups


def _table(heading: str, parameters: Iterable[Parameter]) -> Iterator[str]:
    yield f"| {heading} | Value | Default | Description |\n|---|---|---|---|"
    for one in parameters:
        cells = (f"`{_name(one)}`", _value(one.annotation), _default(one), _escaped(_wording(one).help))
        yield f"| {' | '.join(cells)} |"
    yield ""


def _wording(parameter: Parameter) -> Option | Argument:
    return next(mark for mark in get_args(parameter.annotation) if isinstance(mark, Option | Argument))


def _name(parameter: Parameter) -> str:
    wording = _wording(parameter)
    if isinstance(wording, Argument):
        return parameter.name.upper()
    return (wording.name or f"--{parameter.name.replace('_', '-')}").replace("/", "` / `")


def _value(annotation: Any) -> str:
    """The kind of value with its limits, such as "integer ≥ 1"; empty for a flag."""
    kind, *marks = get_args(annotation)
    limits = [
        f"{sign} {getattr(mark, name)}" for mark in marks for of, (sign, name) in LIMITS.items() if type(mark) is of
    ]
    return _escaped(" ".join([_kind(kind), ", ".join(limits)]).strip())


def _kind(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    if get_origin(kind) is list:
        return f"{_kind(get_args(kind)[0])}, may be repeated"
    named = {int: "integer", float: "number", str: "text", Path: "path", bool: ""}
    inner = [one for one in get_args(kind) if one is not type(None)]
    return named[kind] if kind in named else _kind(inner[0])


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "required"
    return "" if parameter.default in (None, False) else f"`{parameter.default}`"


def _escaped(text: str) -> str:
    """Text whose signs are not taken for Markdown or HTML."""
    for sign in "\\*_<|[":
        text = text.replace(sign, f"\\{sign}")
    return text
