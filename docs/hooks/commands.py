"""The command-line reference, written from the same data as the help of the stages."""

from collections.abc import Iterable, Iterator

from clcap_cli.app import STAGE_PANELS
from clcap_cli.command_line.description import OptionHelp, StageHelp
from clcap_cli.command_line.general import CLCAP_OPTIONS, described
from clcap_cli.options import Panel

INTRODUCTION = """# Command-line reference

Every stage with its arguments, options and defaults, as `clcap STAGE --help` prints them. A value that is out of its
limits is a wrong command line, with the exit status 2.
"""


def reference() -> str:
    """The page, as Markdown."""
    stages = [described(stage) for stages in STAGE_PANELS.values() for stage in stages]
    lines = [INTRODUCTION, *_general(stages[0]), *(line for stage in stages for line in _section(stage))]
    return "\n".join(lines)


def _general(stage: StageHelp) -> Iterator[str]:
    yield "## Options of every stage\n"
    yield from _table(stage.panels[Panel.GENERAL])
    yield "`clcap` itself takes these, before the name of the stage:\n"
    yield "| Option | Description |\n|---|---|"
    yield from (f"| `{name}` | {_escaped(text)} |" for name, text in CLCAP_OPTIONS.items())
    yield ""


def _section(stage: StageHelp) -> Iterator[str]:
    yield f"## `{stage.name}`\n"
    yield f"```\n{stage.usage}\n```\n"
    yield from (f"{_escaped(text)}\n" for text in (stage.summary, *stage.details))
    for panel, options in stage.panels.items():
        if panel is not Panel.GENERAL:
            yield f"**{panel}**\n"
            yield from _table(options)
    examples = "\n".join(stage.examples)
    yield f"Example:\n\n```\n{examples}\n```\n"


def _table(options: Iterable[OptionHelp]) -> Iterator[str]:
    yield "| Option | Value | Default | Description |\n|---|---|---|---|"
    for one in options:
        default = "required" if one.required else _escaped(one.default)
        yield f"| `{'` / `'.join(one.names)}` | {_value(one)} | {default} | {_escaped(one.text)} |"
    yield ""


def _value(option: OptionHelp) -> str:
    """Placeholder and limits or choices, such as "INT ≥ 1"; empty for a flag."""
    choices = ", ".join(f"`{choice}`" for choice in option.choices)
    repeatable = ", repeatable" if option.repeatable else ""
    return choices or _escaped(f"{option.placeholder} {option.limits}".strip() + repeatable)


def _escaped(text: str) -> str:
    """Text whose signs are not taken for Markdown or HTML."""
    for sign in "\\*_<|[":
        text = text.replace(sign, f"\\{sign}")
    return text
