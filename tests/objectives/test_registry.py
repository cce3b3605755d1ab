"""The records of the objectives, and what reads them."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

from clcap_cli.errors import InvalidValueError
from clcap_cli.objectives.registry import builtin_objectives, check_options, configure_objective, objectives_by_suffix
from clcap_cli.registry import import_object
from clcap_cli.stages.train_cl import train_cl
from clcap_cli.training.loop import Task

DOCS = Path(__file__).resolve().parents[2] / "docs" / "objectives.md"
OWN = builtin_objectives()


@pytest.mark.parametrize("name", OWN)
def test_every_objective_names_a_task(name: str) -> None:
    kind = import_object(OWN[name].task)
    methods = [method for method in vars(Task) if not method.startswith("_")]
    assert methods and all(hasattr(kind, method) for method in [*methods, "prepare"])


@pytest.mark.parametrize("name", OWN)
def test_every_objective_has_its_section(name: str) -> None:
    text, kind = DOCS.read_text(encoding="utf-8"), OWN[name]
    assert f"\n### `{name}`\n" in text
    row = re.search(rf"^\| \[`{name}`\]\(#{name}\) \|.*$", text, flags=re.MULTILINE)
    assert row is not None and f"`*_{kind.suffix}.pt`" in row[0]
    assert all(f"`--{one.name}` {one.default:g}" in row[0] for one in fields(kind))


def test_no_section_is_of_an_objective_that_there_is_not() -> None:
    assert set(re.findall(r"^### `(.+)`$", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)) == set(OWN)


def test_suffixes_differ() -> None:
    assert objectives_by_suffix() == {kind.suffix: name for name, kind in OWN.items()}
    assert len(objectives_by_suffix()) == len(OWN)


def test_an_option_has_one_type_whatever_the_objective() -> None:
    """The command line has one parameter for all objectives that take it."""
    types: dict[str, set[object]] = {}
    for kind in OWN.values():
        for one in fields(kind):
            types.setdefault(one.name, set()).add(get_type_hints(kind)[one.name])
    assert types.keys() >= {"nu", "beta", "gamma"}
    assert all(len(found) == 1 for found in types.values())
    assert types.keys() <= {one.name for one in train_cl.parameters}


def test_options_that_are_not_given_have_the_objectives_own_defaults() -> None:
    assert configure_objective("dpo", {}).beta == 0.1
    assert configure_objective("simpo", {"beta": "2.5"}).beta == 2.5


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gan", {}, "objective: 'gan' is not one of 'contrastive', 'positives-only', "),
        ("simpo", {"gamma": -1}, "gamma: Input should be greater than or equal to 0"),
        ("dpo", {"gamma": 1}, "gamma: the objective dpo does not take it; these do: simpo"),
        ("dpo", {"colour": "red"}, "colour: the objective dpo does not take it; its own options: beta"),
        ("adversarial", {"colour": "red"}, "colour: the objective adversarial does not take it; its own options: none"),
    ],
)
def test_what_cannot_be_configured_is_named(name: str, options: dict, message: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        configure_objective(name, options)
    assert str(raised.value).startswith(message)


def test_options_follow_from_what_an_objective_needs() -> None:
    check_options("simpo", ["negatives", "redraw_negatives", "max_tokens"])
    with pytest.raises(InvalidValueError, match="no_cache: the objective simpo does not take it"):
        check_options("simpo", ["no_cache"])


def test_records_are_read_without_torch() -> None:
    code = (
        "import sys\n"
        "from clcap_cli.objectives.registry import objectives_by_suffix\n"
        "assert objectives_by_suffix()['simpo'] == 'simpo'\n"
        "print(sorted({'torch', 'numpy', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_help_lists_every_objective(clcap) -> None:
    shown = " ".join(clcap("train-cl", "--help").out.replace("│", " ").split())
    assert all(f"{name}: {kind.__doc__.splitlines()[0]}" in shown for name, kind in OWN.items())
