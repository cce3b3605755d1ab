"""Command lines that are wrong: each is refused with what was expected and where the help is."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import typer

from clcap_cli.command_line.description import names_of, usage_of
from clcap_cli.command_line.renamed import unknown_option
from clcap_cli.errors import InvalidValueError
from clcap_cli.stages.stage import Stage


class UsageError(typer.TyperException):
    """A wrong command line."""

    def __init__(self, message: str, ctx: typer.Context):
        super().__init__(message)
        self.ctx = ctx


def check_options(ctx: typer.Context, words: Sequence[str]) -> None:
    """Raise UsageError for the first word that looks like an option and is none, and for two --config files."""
    known = [name for one in ctx.command.get_params(ctx) for name in (*one.opts, *one.secondary_opts)]
    options = [name for name in known if name.startswith("--")]
    for word in takewhile(lambda word: word != "--", words):
        name = word.partition("=")[0]
        if name.startswith("--") and name not in options and not ctx.resilient_parsing:
            raise UsageError(unknown_option(ctx.info_name or "", name, options), ctx)
    if (times := sum(word.partition("=")[0] == "--config" for word in words)) > 1:
        raise UsageError(f"--config is given {times} times; give one file", ctx)


def check_complete(ctx: typer.Context, stage: Stage[Any], given: Mapping[str, Any]) -> None:
    """Raise UsageError where something that the stage requires is not given."""
    missing = [names_of(one)[0] for one in stage.parameters if one.required and one.name not in given]
    if missing:
        raise UsageError(f"missing {' and '.join(missing)}; usage: {usage_of(stage)}", ctx)


def wrong_value(ctx: typer.Context, stage: Stage[Any], error: InvalidValueError) -> UsageError:
    """The error of a value, with the name of its option as it is typed."""
    named = ["/".join(names_of(one)) for one in stage.parameters if one.name == error.parameter]
    return UsageError(f"{named[0] if named else error.parameter}: {error.reason}", ctx)
