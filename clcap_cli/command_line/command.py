"""A stage as a subcommand: its parameters as Typer's arguments and options, and a file that can hold them."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from clcap_cli.command_line.completion import completion
from clcap_cli.command_line.config_file import as_yaml, read_config
from clcap_cli.command_line.description import is_hidden, is_list, names_of, paragraphs_of
from clcap_cli.command_line.general import GENERAL, choose_verbosity, described
from clcap_cli.command_line.layout import stage_help, terminal_width
from clcap_cli.command_line.next_commands import next_commands
from clcap_cli.command_line.refusals import check_complete, check_options, named_stage, wrong_value
from clcap_cli.command_line.slow_imports import announced_imports
from clcap_cli.console import print_details, print_info, print_path
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.options import Argument
from clcap_cli.stages.parameter import Parameter
from clcap_cli.stages.stage import Stage, flattened


def add_stage(app: typer.Typer, stage: Stage[Path | None]) -> None:
    """Make the stage a subcommand of ``app`` that prints the path of what it wrote."""

    class Command(TyperCommand):
        def get_help(self, ctx: Any) -> str:
            return stage_help(described(stage), terminal_width())

        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            check_options(ctx, args)
            leave_unconverted(self.get_params(ctx))
            with named_stage(ctx):
                return super().parse_args(ctx, args)

    summary = paragraphs_of(stage.function)[0]
    app.command(stage.name, cls=Command, help=summary, short_help=summary)(_function_of(stage))


def leave_unconverted(parameters: Sequence[Any]) -> None:
    """Let Typer pass values on as they are typed: it would import pydantic, which takes a while, to convert them."""
    for one in parameters:
        if getattr(one, "is_flag", False):
            one.default = False  # not None, which is no flag's value
        else:
            one.process_value = _unchanged


def _function_of(stage: Stage[Path | None]) -> Callable[..., None]:
    """A function for Typer, which gives it texts and flags for the stage to check and convert."""

    @functools.wraps(stage.function)
    def command(ctx: typer.Context, **values: Any) -> None:
        typed = {name: value for name, value in values.items() if _is_typed(ctx, name)}
        choose_verbosity(ctx, typed)
        try:
            _run(ctx, stage, typed)
        except InvalidValueError as error:
            raise wrong_value(ctx, stage, error) from error

    annotations = {"ctx": typer.Context, **{one.name: _for_typer(one) for one in (*stage.parameters, *GENERAL)}}
    command.__annotations__ = annotations
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            for name, kind in annotations.items()
        ]
    )
    return command


def _run(ctx: typer.Context, stage: Stage[Path | None], typed: Mapping[str, Any]) -> None:
    """Run the stage with what is typed, before what the --config file holds, before its defaults."""
    from_file = read_config(ctx, stage, Path(typed["config"])) if "config" in typed else {}
    given = {**from_file, **{one.name: typed[one.name] for one in stage.parameters if one.name in typed}}
    if "print_config" in typed:
        print(as_yaml(stage, flattened(stage.arguments(given))), end="")
        return
    check_complete(ctx, stage, given)
    _check_folder()
    for name, value in flattened(stage.arguments(given)).items():
        source = "command line" if name in typed else "--config" if name in from_file else "default"
        print_details(f"{name.replace('_', '-')}: {value} ({source})")
    with announced_imports():
        written = stage(**given)
    if written is None or given.get("dry_run"):
        return
    print_path(written)
    for command in next_commands(stage.name, given, written):
        print_info(f"next: {command}")


def _unchanged(ctx: Any, value: Any) -> Any:
    """The value as the command line has it."""
    return value


def _is_typed(ctx: typer.Context, name: str) -> bool:
    """Whether the option stands on the command line."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _check_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise ClcapError("the folder in which clcap was started is not there any more; change to another") from error


def _for_typer(parameter: Parameter) -> Any:
    """The parameter as text, or as a flag, with what Typer has to know of it."""
    kind: Any = bool if parameter.kind is bool else list[str] if is_list(parameter) else str
    if isinstance(parameter.wording, Argument):
        return Annotated[kind | None, typer.Argument()]
    names = "/".join(names_of(parameter))
    return Annotated[
        kind | None, typer.Option(names, autocompletion=completion(parameter), hidden=is_hidden(parameter))
    ]
