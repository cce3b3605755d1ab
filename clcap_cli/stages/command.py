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
from clcap_cli.stages.stage import Parameter


def as_command(function: Callable[..., Path | None]) -> Callable[..., None]:
    """A function for Typer that runs the stage and prints the path of what it wrote."""
    parameters: list[Parameter] = function.parameters  # type: ignore[attr-defined]

    @functools.wraps(function)
    def command(ctx: typer.Context, config: Path | None, print_config: bool, **values: Any) -> None:
        try:
            if print_config:
                checked = {one.name: one.checked(values[one.name]) for one in parameters}
                print(_written(checked), end="")
                return
            _check_folder()
            written = function(**values)
        except InvalidValueError as error:
            raise _bad(ctx, error) from error
        if written is not None:
            give_path(written)

    asked = [(one.name, _for_typer(one), one.default) for one in parameters]
    file = Annotated[Path | None, _config_option()]
    printing = Annotated[bool, typer.Option("--print-config", help="Print all options as YAML and do nothing else.")]
    asked += [("config", file, None), ("print_config", printing, False)]
    every = [("ctx", typer.Context, inspect.Parameter.empty), *asked]
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=d, annotation=a) for name, a, d in every]
    )
    command.__annotations__ = {name: annotation for name, annotation, _ in every}
    return command


def _check_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise ClcapError("the folder in which clcap was started is not there any more; change to another") from error


def _for_typer(parameter: Parameter) -> Any:
    """The parameter's type with what Typer has to know of it."""
    kind, *marks = get_args(parameter.annotation)
    wording = next(mark for mark in marks if isinstance(mark, Option | Argument))
    shown = parameter.default not in (None, inspect.Parameter.empty) and parameter.default is not False
    if isinstance(wording, Argument):
        # Stages look at files; Typer would call a lack of permission a wrong command line.
        return Annotated[kind, typer.Argument(help=wording.help, show_default=shown, readable=False)]
    name = wording.name or f"--{parameter.name.replace('_', '-')}"
    return Annotated[kind, _option(name, wording, shown)]


def _option(name: str, wording: Option, shown: bool) -> Any:
    panel = wording.panel or None
    return typer.Option(name, help=wording.help, show_default=shown, rich_help_panel=panel, readable=False)


def _config_option() -> Any:
    return typer.Option(
        "--config",
        help="YAML file with options of this stage; those on the command line win.",
        is_eager=True,
        callback=_read_config,
        show_default=False,
    )


def _read_config(ctx: typer.Context, path: Path | None) -> Path | None:
    """Make what the file holds the defaults of the options."""
    if path is not None:
        ctx.default_map = {
            **(ctx.default_map or {}),
            **_options_in(path, [one.name or "" for one in ctx.command.params]),
        }
    return path


def _options_in(path: Path, known: list[str]) -> dict[str, Any]:
    """The options that a YAML file holds, by parameter; raises ClcapError for one that the stage does not have."""
    import yaml

    from clcap_cli.datasets.reading import read_text
    from clcap_cli.errors import unknown_name

    try:
        content = yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ClcapError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise ClcapError(f"{path} does not hold options; it needs one a line, such as 'epochs: 10'")
    options = {name.replace("-", "_"): value for name, value in content.items()}
    for name in options:
        if name not in known or name in ("config", "print_config", "help"):
            raise unknown_name(f"option in {path}", name, known)
    return options


def _written(values: dict[str, Any]) -> str:
    """Resolved options as a YAML file that --config reads."""
    import yaml

    plain = {name: _plain(value) for name, value in values.items() if value is not None}
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _bad(ctx: typer.Context, error: InvalidValueError) -> Exception:
    """The error as one of the command line, with the name that was typed."""
    named = [one for one in ctx.command.params if one.name == error.parameter]
    option = "/".join(name for one in named for name in [*one.opts, *one.secondary_opts]) or error.parameter
    return typer.BadParameter(error.reason, ctx=ctx, param_hint=f"'{option}'")
