"""The records of the objectives, and the docs and options that follow from them."""

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
from clcap_cli.training.task import Task

DOCS = Path(__file__).resolve().parents[2] / "docs" / "objectives.md"
BUILTIN = builtin_objectives()


@pytest.mark.parametrize("name", BUILTIN)
def test_every_objective_names_a_complete_task(name: str) -> None:
    kind = import_object(BUILTIN[name].task)
    methods = [method for method in vars(Task) if not method.startswith("_")]
    assert methods and all(hasattr(kind, method) for method in [*methods, "prepare"])


@pytest.mark.parametrize("name", BUILTIN)
def test_every_objective_is_documented(name: str) -> None:
    text, kind = DOCS.read_text(encoding="utf-8"), BUILTIN[name]
    assert f"\n### `{name}`\n" in text
    row = re.search(rf"^\| \[`{name}`\]\(#{name}\) \|.*$", text, flags=re.MULTILINE)
    assert row is not None and f"`*_{kind.suffix}.pt`" in row[0]
    own = [field for field in fields(kind) if field.name != "mle_weight"]
    assert all(f"`--{field.name}` {field.default:g}" in row[0] for field in own)


def test_every_documented_objective_exists() -> None:
    assert set(re.findall(r"^### `(.+)`$", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)) == set(BUILTIN)


def test_suffixes_are_unique() -> None:
    assert objectives_by_suffix() == {kind.suffix: name for name, kind in BUILTIN.items()}
    assert len(objectives_by_suffix()) == len(BUILTIN)


def test_a_shared_option_has_one_type() -> None:
    """Objectives that share an option share one parameter of the command line."""
    types: dict[str, set[object]] = {}
    for kind in BUILTIN.values():
        for field in fields(kind):
            types.setdefault(field.name, set()).add(get_type_hints(kind)[field.name])
    assert types.keys() >= {"nu", "beta", "gamma"}
    assert all(len(found) == 1 for found in types.values())
    assert types.keys() <= {field.name for field in train_cl.parameters}


def test_unset_options_have_the_defaults_of_the_objective() -> None:
    assert configure_objective("dpo", {}).beta == 0.1
    assert configure_objective("simpo", {"beta": "2.5"}).beta == 2.5


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("simpo", {"gamma": -1}, "gamma: must be greater than or equal to 0, not '-1'"),
        ("dpo", {"gamma": 1}, "gamma: the objective dpo does not accept it; these do: simpo"),
        ("dpo", {"colour": "red"}, "colour: the objective dpo does not accept it; its options: mle_weight, beta"),
        (
            "adversarial",
            {"colour": "red"},
            "colour: the objective adversarial does not accept it; its options: mle_weight",
        ),
    ],
)
def test_the_message_names_an_invalid_objective_or_option(name: str, options: dict, message: str) -> None:
    with pytest.raises(InvalidValueError) as error:
        configure_objective(name, options)
    assert str(error.value).startswith(message)


def test_accepted_options_follow_from_the_requirements() -> None:
    check_options("simpo", ["negatives", "redraw_negatives", "max_tokens"])
    with pytest.raises(InvalidValueError, match="no_cache: the objective simpo does not accept it"):
        check_options("simpo", ["no_cache"])


def test_reading_the_records_does_not_import_torch() -> None:
    code = (
        "import sys\n"
        "from clcap_cli.objectives.registry import objectives_by_suffix\n"
        "assert objectives_by_suffix()['simpo'] == 'simpo'\n"
        "print(sorted({'torch', 'numpy', 'pydantic'} & set(sys.modules)))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"


def test_the_help_lists_every_objective(clcap) -> None:
    shown = " ".join(clcap("train-cl", "--help").out.replace("│", " ").split())
    assert all(f"{name}: {kind.__doc__.splitlines()[0]}" in shown for name, kind in BUILTIN.items())
