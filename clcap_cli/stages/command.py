"""A stage as a subcommand: its parameters as Typer's arguments and options, and a file that can hold them."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from clcap_cli.console import give_path
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.options import Argument, Option
from clcap_cli.stages.config_file import InvalidOptionError, as_yaml, read_options
from clcap_cli.stages.stage import Parameter, Stage, flattened


def as_command(stage: Stage[Path | None]) -> Callable[..., None]:
    """A function for Typer that runs the stage and prints the path of what it wrote."""

    @functools.wraps(stage.function)
    def command(ctx: typer.Context, config: dict[str, Any] | None, print_config: bool, **values: Any) -> None:
        from_file = {name: value for name, value in (config or {}).items() if not _typed(ctx, name)}
        try:
            if print_config:
                print(as_yaml(flattened(stage.arguments(values | from_file))), end="")
                return
            _check_folder()
            written = stage(**values | from_file)
        except InvalidValueError as error:
            raise _bad(ctx, error) from error
        if written is not None:
            give_path(written)

    command.__doc__ = _unwrapped(inspect.getdoc(stage.function) or "")
    asked = [(one.name, _for_typer(one), one.default) for one in stage.parameters]
    asked += [("config", Annotated[Path | None, _config(stage)], None), ("print_config", PrintConfig, False)]
    every = [("ctx", typer.Context, inspect.Parameter.empty), *asked]
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=d, annotation=a) for name, a, d in every]
    )
    command.__annotations__ = {name: annotation for name, annotation, _ in every}
    return command


def _unwrapped(text: str) -> str:
    """Each paragraph on one line, so that the help breaks it where the terminal ends."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


PrintConfig = Annotated[bool, typer.Option("--print-config", help="Print all options as YAML and do nothing else.")]


def _config(stage: Stage) -> Any:
    """The option --config; its value is what the file holds."""

    def read(ctx: typer.Context, path: Path | None) -> dict[str, Any] | None:
        if path is None:
            return None
        try:
            options = read_options(path, stage.parameters)
        except InvalidOptionError as error:
            raise typer.BadParameter(str(error)) from error
        # Typer asks for what is required before the command can fill it in.
        ctx.default_map = {one.name: options[one.name] for one in stage.parameters if _fills(one, options)}
        return options

    return typer.Option(
        "--config",
        help="YAML file with options of this stage; those on the command line win.",
        is_eager=True,
        callback=read,
        show_default=False,
    )


def _fills(parameter: Parameter, options: dict[str, Any]) -> bool:
    return parameter.required and parameter.name in options


def _typed(ctx: typer.Context, name: str) -> bool:
    """Whether the option stands on the command line."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _check_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise ClcapError("the folder in which clcap was started is not there any more; change to another") from error


def _for_typer(parameter: Parameter) -> Any:
    """The parameter's type with what Typer has to know of it."""
    kind, *marks = get_args(parameter.annotation)
    wording = next(mark for mark in marks if isinstance(mark, Option | Argument))
    shown = not parameter.required and parameter.default is not None and parameter.default is not False
    if isinstance(wording, Argument):
        # Stages look at files; Typer would call a lack of permission a wrong command line.
        return Annotated[kind, typer.Argument(help=wording.help, show_default=shown, readable=False)]
    name = wording.name or f"--{parameter.name.replace('_', '-')}"
    return Annotated[kind, _option(name, wording, shown)]


def _option(name: str, wording: Option, shown: bool) -> Any:
    panel = wording.panel or None
    return typer.Option(name, help=wording.help, show_default=shown, rich_help_panel=panel, readable=False)


def _bad(ctx: typer.Context, error: InvalidValueError) -> Exception:
    """The error as one of the command line, with the name that was typed."""
    named = [one for one in ctx.command.params if one.name == error.parameter]
    option = "/".join(name for one in named for name in [*one.opts, *one.secondary_opts]) or error.parameter
    return typer.BadParameter(error.reason, ctx=ctx, param_hint=f"'{option}'")
