"""The command line: one line a stage; prints what a stage returns and words every error."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from clcap_cli import __version__
from clcap_cli.console import answering, say
from clcap_cli.datasets.text import text_flaw
from clcap_cli.errors import EXPECTED_ERRORS, is_out_of_memory, message_of
from clcap_cli.stages.caption import caption
from clcap_cli.stages.command import as_command
from clcap_cli.stages.compare import compare
from clcap_cli.stages.demo import demo
from clcap_cli.stages.doctor import doctor
from clcap_cli.stages.evaluate import evaluate
from clcap_cli.stages.extract_features import extract_features
from clcap_cli.stages.import_features import import_features
from clcap_cli.stages.make_scenes import make_scenes
from clcap_cli.stages.prepare_captions import prepare_captions
from clcap_cli.stages.report import report
from clcap_cli.stages.self_retrieve import self_retrieve
from clcap_cli.stages.show import show
from clcap_cli.stages.swap_reference import swap_reference
from clcap_cli.stages.train_cl import train_cl
from clcap_cli.stages.train_mle import train_mle

app = typer.Typer(
    name="clcap",
    help="Train image captioners whose captions tell images apart, and measure that they do.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


STAGES = (
    prepare_captions,
    extract_features,
    import_features,
    train_mle,
    train_cl,
    caption,
    self_retrieve,
    evaluate,
    compare,
    report,
    swap_reference,
    make_scenes,
    show,
    demo,
    doctor,
)
for stage in STAGES:
    app.command(stage.name)(as_command(stage))


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Train image captioners whose captions tell images apart, and measure that they do."""
    if debug:
        os.environ["CLCAP_DEBUG"] = "1"


def main() -> int:
    """Run the command line: 0 done, 1 could not be done, 2 wrong command line.

    Raises KeyboardInterrupt when interrupted.
    """
    try:
        _check_words(sys.argv[1:])
        with answering():
            status = app(prog_name="clcap", standalone_mode=False)
    except typer.TyperException as error:
        say(f"error: {error.format_message().replace('Value error, ', '')} (see {_help_of(error)})")
        return 2
    except EXPECTED_ERRORS as error:
        if os.environ.get("CLCAP_DEBUG"):
            raise
        say(f"error: {message_of(error)}")
        return 1
    except RuntimeError as error:
        if os.environ.get("CLCAP_DEBUG") or not is_out_of_memory(error):
            raise
        say("error: not enough memory; smaller sizes or batches (--batch-size, --max-tokens) take less")
        return 1
    if status == 130:  # what Typer makes of Ctrl-C
        raise KeyboardInterrupt
    return status or 0


def _check_words(words: Sequence[str]) -> None:
    for word in words:
        if text_flaw(word):
            raise typer.BadParameter(f"'{word}' is not valid UTF-8")


def _help_of(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else 'clcap'} --help"
