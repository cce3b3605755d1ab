"""Command lines that are wrong: each is refused with what was expected and where the help is."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile, zip_longest
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
    """Raise UsageError for an unknown option, for one without its value, and for a second --config file."""
    if ctx.resilient_parsing:  # for the completion of a command line that is not finished
        return
    flags = {name: _is_flag(one) for one in ctx.command.get_params(ctx) for name in _long_names(one)}
    typed = list(takewhile(lambda word: word != "--", words))
    for word, following in zip_longest(typed, typed[1:], fillvalue="--"):
        name, equals, _ = word.partition("=")
        if name.startswith("--") and name not in flags:
            raise UsageError(unknown_option(ctx.info_name or "", name, list(flags)), ctx)
        if not equals and not flags.get(name, True) and following in {*flags, "--"}:
            raise UsageError(f"{name} needs a value", ctx)
    if (times := sum(word.partition("=")[0] == "--config" for word in typed)) > 1:
        raise UsageError(f"--config is given {times} times; give one file", ctx)


def _long_names(parameter: Any) -> list[str]:
    return [name for name in (*parameter.opts, *parameter.secondary_opts) if name.startswith("--")]


def _is_flag(parameter: Any) -> bool:
    return getattr(parameter, "is_flag", False)


@contextmanager
def named_stage(ctx: typer.Context) -> Iterator[None]:
    """Let errors of Typer that do not say so name the stage of ``ctx``."""
    try:
        yield
    except typer.TyperException as error:
        if getattr(error, "ctx", None) is None:
            raise UsageError(error.format_message(), ctx) from error
        raise


def check_complete(ctx: typer.Context, stage: Stage[Any], given: Mapping[str, Any]) -> None:
    """Raise UsageError where something that the stage requires is not given."""
    missing = [names_of(one)[0] for one in stage.parameters if one.required and one.name not in given]
    if missing:
        raise UsageError(f"missing {' and '.join(missing)}; usage: {usage_of(stage)}", ctx)


def wrong_value(ctx: typer.Context, stage: Stage[Any], error: InvalidValueError) -> UsageError:
    """The error of a value, with the name of its option as it is typed."""
    named = ["/".join(names_of(one)) for one in stage.parameters if one.name == error.parameter]
    return UsageError(f"{named[0] if named else error.parameter}: {error.reason}", ctx)
