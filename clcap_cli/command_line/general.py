"""The options that every stage has, and those of clcap itself."""

from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from clcap_cli.command_line.description import StageHelp, describe, names_of, paragraphs_of
from clcap_cli.command_line.layout import page
from clcap_cli.command_line.refusals import UsageError
from clcap_cli.options import Option, Panel
from clcap_cli.stages.parameter import Parameter
from clcap_cli.stages.stage import Stage
from clcap_cli.verbosity import VERBOSITY


def _general(name: str, kind: Any, help: str, default: str = "") -> Parameter:
    annotation = Annotated[kind, Option(help, Panel.GENERAL, default, placeholder="FILE" if default else "")]
    return Parameter(name, annotation, None if default else False, None)


HELP = _general("help", bool, "Print this help and exit.")
VERBOSITY_OPTIONS = (
    _general("quiet", bool, "Print only warnings, errors and results."),
    _general("verbose", bool, "Also print the files that are read, the source of each option's value, and the device."),
    _general("debug", bool, "Print the traceback of an error."),
)
GENERAL = (
    _general("config", Path, "YAML file of options; those on the command line take precedence.", "none"),
    _general("print_config", bool, "Print all options as YAML, for --config, and exit."),
    *VERBOSITY_OPTIONS,
)
"""Those of every stage, beside --help."""
CLCAP_OPTIONS = {
    "--version": "Print the version and exit.",
    **{names_of(one)[0]: one.wording.help for one in VERBOSITY_OPTIONS},
    "--install-completion": "Let the shell complete clcap's stages, options and values.",
    "--show-completion": "Print the completion script.",
    names_of(HELP)[0]: HELP.wording.help,
}
"""Those of clcap itself, each with its description."""
SUMMARY = "Train image captioners to write distinctive captions, and measure how distinctive they are."


def described(stage: Stage[Any]) -> StageHelp:
    """The help of a stage, with the options that every stage has."""
    return describe(stage, (*GENERAL, HELP))


def overview(stages: Mapping[str, Sequence[Stage[Any]]], width: int) -> str:
    """The help of clcap itself, which lists the stages under their headings."""
    panels = {heading: [(one.name, paragraphs_of(one.function)[0]) for one in own] for heading, own in stages.items()}
    texts = (SUMMARY, "Each stage reads and writes files; clcap STAGE --help lists its options.")
    return page(
        "clcap STAGE [OPTIONS]",
        texts,
        panels | {str(Panel.GENERAL): list(CLCAP_OPTIONS.items())},
        ["clcap demo"],
        width,
    )


def choose_verbosity(ctx: typer.Context, typed: Container[str]) -> None:
    """Set what is printed; raises UsageError for --quiet with --verbose, wherever they stand."""
    VERBOSITY.messages &= "quiet" not in typed
    VERBOSITY.details |= "verbose" in typed
    VERBOSITY.tracebacks |= "debug" in typed
    if VERBOSITY.details and not VERBOSITY.messages:
        raise UsageError("--quiet and --verbose exclude each other; give one of the two", ctx)
