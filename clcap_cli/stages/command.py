"""Turns a stage into a Typer command whose options can also come from a configuration file."""

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
    """A function for Typer that runs the stage and prints the path of the file that it wrote."""

    @functools.wraps(stage.function)
    def command(ctx: typer.Context, config: dict[str, Any] | None, print_config: bool, **values: Any) -> None:
        from_file = {name: value for name, value in (config or {}).items() if not _on_command_line(ctx, name)}
        try:
            if print_config:
                print(as_yaml(flattened(stage.arguments(values | from_file))), end="")
                return
            _check_working_folder()
            written = stage(**values | from_file)
        except InvalidValueError as error:
            raise _as_bad_parameter(ctx, error) from error
        if written is not None:
            give_path(written)

    command.__doc__ = _unwrapped(inspect.getdoc(stage.function) or "")
    options = [(one.name, _for_typer(one), one.default) for one in stage.parameters]
    options += [("config", Annotated[Path | None, _config_option(stage)], None), ("print_config", PrintConfig, False)]
    parameters = [("ctx", typer.Context, inspect.Parameter.empty), *options]
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=d, annotation=a) for name, a, d in parameters]
    )
    command.__annotations__ = {name: annotation for name, annotation, _ in parameters}
    return command


def _unwrapped(text: str) -> str:
    """The text with each paragraph on one line, so that the help is wrapped at the width of the terminal."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


PrintConfig = Annotated[bool, typer.Option("--print-config", help="Print all options as YAML and do nothing else.")]


def _config_option(stage: Stage) -> Any:
    """The option --config, whose value is the content of the file."""

    def read(ctx: typer.Context, path: Path | None) -> dict[str, Any] | None:
        if path is None:
            return None
        try:
            options = read_options(path, stage.parameters)
        except InvalidOptionError as error:
            raise typer.BadParameter(str(error)) from error
        # Typer checks required options before the command can take them from the file.
        ctx.default_map = {one.name: options[one.name] for one in stage.parameters if _supplies(options, one)}
        return options

    return typer.Option(
        "--config",
        help="YAML file with options of this stage; those on the command line win.",
        is_eager=True,
        callback=read,
        show_default=False,
    )


def _supplies(options: dict[str, Any], parameter: Parameter) -> bool:
    """Whether ``options`` has the value of a required parameter."""
    return parameter.required and parameter.name in options


def _on_command_line(ctx: typer.Context, name: str) -> bool:
    """Whether the option was given on the command line."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _check_working_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise ClcapError("the folder in which clcap was started is not there any more; change to another") from error


def _for_typer(parameter: Parameter) -> Any:
    """The type of the parameter, annotated with its Typer option or argument."""
    kind, *metadata = get_args(parameter.annotation)
    wording = next(item for item in metadata if isinstance(item, Option | Argument))
    show_default = not parameter.required and parameter.default is not None and parameter.default is not False
    if isinstance(wording, Argument):
        # Stages check files themselves; Typer would report a missing permission as a wrong command line.
        return Annotated[kind, typer.Argument(help=wording.help, show_default=show_default, readable=False)]
    name = wording.name or f"--{parameter.name.replace('_', '-')}"
    return Annotated[kind, _option(name, wording, show_default)]


def _option(name: str, wording: Option, show_default: bool) -> Any:
    panel = wording.panel or None
    return typer.Option(name, help=wording.help, show_default=show_default, rich_help_panel=panel, readable=False)


def _as_bad_parameter(ctx: typer.Context, error: InvalidValueError) -> Exception:
    """The error as Typer reports it, with the option's name on the command line."""
    parameters = [one for one in ctx.command.params if one.name == error.parameter]
    option = "/".join(name for one in parameters for name in [*one.opts, *one.secondary_opts]) or error.parameter
    return typer.BadParameter(error.reason, ctx=ctx, param_hint=f"'{option}'")
