"""The help of every stage fits terminals of any width and lists all options."""

import re
import shlex
from collections.abc import Callable

import pytest

from clcap_cli.app import STAGE_PANELS, STAGES
from clcap_cli.command_line.general import described
from clcap_cli.command_line.layout import stage_help
from clcap_cli.options import Panel
from clcap_cli.stages.stage import Stage
from tests.conftest import CommandResult

each_stage = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
each_width = pytest.mark.parametrize("width", [40, 80, 100])
Run = Callable[..., CommandResult]


@each_stage
@each_width
def test_no_line_is_too_long_and_no_word_is_broken(stage: Stage, width: int) -> None:
    estimated = described(stage)
    text = stage_help(estimated, width)
    words = text.split()
    for line in text.splitlines():
        assert len(line) <= width or len(line.split()) == 1, line
    for options in estimated.panels.values():
        for option in options:
            said = [
                *option.usage.split(),
                *option.text.split(),
                *(word for annotation in option.notes for word in annotation.split()),
            ]
            assert {word.strip("[]") for word in said} <= {word.strip("[]") for word in words}


@each_stage
def test_types_are_plain_words(stage: Stage) -> None:
    text = stage_help(described(stage), 80)
    assert not re.search(r"<\w+( range)?>|list\[|Annotated", text)
    shown = {option.placeholder for options in described(stage).panels.values() for option in options}
    assert shown <= {
        "",
        "INT",
        "FLOAT",
        "TEXT",
        "NAME",
        "NAMES",
        "NAME=VALUE",
        "ROLE=COLUMN",
        "SHARES",
        "FILE",
        "FOLDER",
        "PATH",
        "SIZE",
        "INTERVAL",
        "PART",
        "PATTERN",
        "RANK",
    }


@each_stage
def test_panels_are_the_known_ones_in_one_order(stage: Stage) -> None:
    panels = list(described(stage).panels)
    assert panels == [panel for panel in Panel if panel in panels]
    listed = [option.names[-1] for option in described(stage).panels[Panel.GENERAL]]
    assert listed == ["--config", "--print-config", "--quiet", "--verbose", "--debug", "--help"]


@each_stage
def test_every_default_is_stated(stage: Stage) -> None:
    for options in described(stage).panels.values():
        for option in options:
            is_flag_or_argument = not option.placeholder
            assert option.required or option.default or is_flag_or_argument, option.names
            assert option.required == ("required" in option.notes)


@each_stage
def test_descriptions_are_sentences(stage: Stage) -> None:
    estimated = described(stage)
    assert estimated.summary.endswith(".") and len(estimated.summary) <= 56
    for options in estimated.panels.values():
        assert all(option.text[-1] == "." and option.text[0] not in "—(" for option in options)


@each_stage
@each_width
def test_examples_can_be_copied(stage: Stage, width: int) -> None:
    estimated = described(stage)
    text = stage_help(estimated, width)
    shown = text[text.rindex("\n\nExample") :].strip().partition("\n")[2]
    known = {name for options in estimated.panels.values() for option in options for name in option.names}
    commands = [shlex.split(line) for line in shown.replace("\\\n", " ").splitlines()]
    assert commands == [shlex.split(example) for example in estimated.examples] != []
    for command in commands:
        assert command[:2] == ["clcap", stage.name]
        assert {word for word in command if word.startswith("--")} <= known


@each_stage
def test_the_command_line_shows_the_help(clcap: Run, monkeypatch, stage: Stage) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = clcap(stage.name, "--help")
    assert (result.status, result.err, result.out) == (0, "", stage_help(described(stage), 80) + "\n")


def test_the_overview_has_every_stage_under_its_heading(clcap: Run, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    overview = clcap("--help")
    assert overview.status == 0 and clcap() == overview == clcap("-h")
    for heading, stages in STAGE_PANELS.items():
        block = overview.out.partition(f"\n{heading}\n")[2].partition("\n\n")[0]
        assert [line.split()[0] for line in block.splitlines()] == [stage.name for stage in stages]


def test_headings_are_bold_only_for_those_who_want_it(monkeypatch) -> None:
    assert "\x1b" not in stage_help(described(STAGES[0]), 80)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "\x1b[1mGeneral" in stage_help(described(STAGES[0]), 80)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in stage_help(described(STAGES[0]), 80)
