"""The command line: all stages as subcommands; prints what a stage returns and words every error."""

import functools
import sys
import warnings
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from clcap_cli import __version__
from clcap_cli.command_line.command import add_stage, leave_unconverted
from clcap_cli.command_line.general import choose_verbosity, overview
from clcap_cli.command_line.layout import terminal_width
from clcap_cli.command_line.refusals import UsageError, check_options
from clcap_cli.compute.processes import is_first_to_report
from clcap_cli.console import print_error, stdout_errors_as_clcap_errors
from clcap_cli.datasets.text import text_flaw
from clcap_cli.errors import EXPECTED_ERRORS, is_out_of_memory, message_of, unknown_name_error
from clcap_cli.stages.cache import cache
from clcap_cli.stages.caption import caption
from clcap_cli.stages.compare import compare
from clcap_cli.stages.demo import demo
from clcap_cli.stages.doctor import doctor
from clcap_cli.stages.evaluate import evaluate
from clcap_cli.stages.export_captioner import export_captioner
from clcap_cli.stages.extract_features import extract_features
from clcap_cli.stages.import_captioner import import_captioner
from clcap_cli.stages.import_features import import_features
from clcap_cli.stages.inspect import inspect
from clcap_cli.stages.leave_one_out import leave_one_out
from clcap_cli.stages.make_scenes import make_scenes
from clcap_cli.stages.prepare_captions import prepare_captions
from clcap_cli.stages.report import report
from clcap_cli.stages.self_retrieve import self_retrieve
from clcap_cli.stages.show import show
from clcap_cli.stages.stage import Stage
from clcap_cli.stages.swap_reference import swap_reference
from clcap_cli.stages.train_cl import train_cl
from clcap_cli.stages.train_mle import train_mle
from clcap_cli.verbosity import VERBOSITY, reset

STAGE_PANELS: dict[str, tuple[Stage[Any], ...]] = {
    "Data": (make_scenes, inspect, prepare_captions, extract_features, import_features),
    "Training": (import_captioner, train_mle, train_cl, swap_reference),
    "Captioning and evaluation": (caption, leave_one_out, self_retrieve, evaluate, compare, report),
    "Tools": (export_captioner, demo, show, cache, doctor),
}
"""The subcommands in the order of the workflow, by the heading under which the help lists them."""
STAGES = [stage for stages in STAGE_PANELS.values() for stage in stages]


class App(TyperGroup):
    """The command line as a whole."""

    def get_help(self, ctx: Any) -> str:
        """The stages by panel, and the options of clcap itself."""
        return overview(STAGE_PANELS, terminal_width())

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options of clcap itself; unknown ones are refused with similar names."""
        check_options(ctx, list(takewhile(lambda word: word.startswith("-"), args)))
        leave_unconverted(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the stage; an unknown name is refused with similar ones."""
        if args[0] not in self.commands and not ctx.resilient_parsing:
            raise UsageError(str(unknown_name_error("stage", args[0], self.commands)), ctx)
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="clcap",
    cls=App,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
for stage in STAGES:
    add_stage(app, stage)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_print_version)] = False,
    quiet: Annotated[bool, typer.Option("--quiet")] = False,
    verbose: Annotated[bool, typer.Option("--verbose")] = False,
    debug: Annotated[bool, typer.Option("--debug")] = False,
) -> None:
    """Options of clcap itself, before the stage."""
    choose_verbosity(ctx, [name for name in ("quiet", "verbose", "debug") if ctx.params[name]])
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def main() -> int:
    """Run the command line: 0 done, 1 could not be done, 2 wrong command line.

    Raises KeyboardInterrupt when interrupted.
    """
    reset()
    warnings.filterwarnings("ignore", module="PIL")  # it reads what it warns of, and raises for what it cannot read
    try:
        _check_words(sys.argv[1:])
        with stdout_errors_as_clcap_errors():
            status = _command()(prog_name="clcap", standalone_mode=False)
    except typer.TyperException as error:
        message = str(error) if isinstance(error, UsageError) else _as_ours(error.format_message())
        if is_first_to_report(message):
            print_error(f"{message} (see {_help_of(error)})")
        return 2
    except EXPECTED_ERRORS as error:
        if VERBOSITY.tracebacks:
            raise
        if is_first_to_report(message_of(error)):
            print_error(message_of(error))
        return 1
    except RuntimeError as error:
        if VERBOSITY.tracebacks or not is_out_of_memory(error):
            raise
        print_error("not enough memory; smaller models and batches (--batch-size, --max-tokens) take less")
        return 1
    except SystemExit as done:  # what Typer makes of a shell that asks for completion
        return int(done.code or 0)
    if status == 130:  # what Typer makes of Ctrl-C
        raise KeyboardInterrupt
    return status or 0


@functools.cache
def _command() -> Callable[..., Any]:
    """All stages as a command, which takes a while to make."""
    return typer.main.get_command(app)


def _check_words(words: Sequence[str]) -> None:
    for word in words:
        if text_flaw(word):
            raise typer.TyperException(f"'{word}' is not valid UTF-8")


def _as_ours(message: str) -> str:
    """A message of Typer's in the form of clcap's own: no capital, no full stop."""
    return message[:1].lower() + message[1:].removesuffix(".")


def _help_of(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else 'clcap'} --help"
