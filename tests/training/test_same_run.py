"""Two runs are the same if their settings and the content of their inputs are."""

import json
from pathlib import Path
from typing import Any

import pytest

from clcap_cli.artifacts.provenance import Origin, Provenance
from clcap_cli.training.same_run import differences

OPTIONS = {"lr": "--lr", "device": "--device", "threads": "--threads", "redraw": "--redraw/--fix", "tags": "--tags"}
SETTINGS: dict[str, Any] = {"lr": 0.1, "device": "cpu", "threads": 2, "redraw": None, "tags": ["a"], "out": "a.pt"}


def saved(folder: Path, **settings: Any) -> Provenance:
    """The provenance of a file that a run with some other settings wrote."""
    origin = Origin("train-cl", SETTINGS | settings, [("captions", folder / "c.json", "1"), ("target", folder, "2")])
    return origin.make_provenance("clcap/train-state", "0", folder / "x.state.pt")


def run(folder: Path, captions: str = "1", **settings: Any) -> Origin:
    """A run with some other settings."""
    inputs = [("captions", folder / "c.json", captions), ("target", folder, "2")]
    return Origin("train-cl", SETTINGS | settings, inputs)


@pytest.mark.parametrize(
    ("here", "message"),
    [
        ({"lr": 0.2}, "--lr 0.1, here --lr 0.2"),
        ({"redraw": False}, "no --redraw/--fix, here --fix"),
        ({"redraw": True}, "no --redraw/--fix, here --redraw"),
        ({"tags": ["b", "c"]}, "--tags a, here --tags b c"),
        ({"threads": 4}, "--threads 2, here --threads 4"),
    ],
)
def test_different_settings_are_named_by_their_options(tmp_path: Path, here: dict[str, Any], message: str) -> None:
    assert differences(saved(tmp_path), run(tmp_path, **here), OPTIONS) == [message]


@pytest.mark.parametrize("here", [{}, {"threads": None}, {"device": "auto"}, {"out": "b.pt"}])
def test_what_a_run_chooses_for_itself_is_no_difference(tmp_path: Path, here: dict[str, Any]) -> None:
    assert differences(saved(tmp_path), run(tmp_path, **here), OPTIONS) == []


def test_a_setting_that_an_earlier_version_lacked_is_no_difference(tmp_path: Path) -> None:
    assert differences(saved(tmp_path), run(tmp_path, new=3), {**OPTIONS, "new": "--new"}) == []


def test_inputs_are_compared_by_content_and_role(tmp_path: Path) -> None:
    captions = tmp_path / "c.json"
    assert differences(saved(tmp_path), run(tmp_path, captions="3"), OPTIONS) == [
        f"captions c.json with id 1, here {captions} with id 3"
    ]
    other = Origin("train-cl", SETTINGS, [("captions", captions, "1"), ("reference", captions, "4")])
    assert differences(saved(tmp_path), other, OPTIONS) == [f"no reference, here {captions}", "target ., here none"]


def test_an_input_that_was_extended_is_the_same(tmp_path: Path) -> None:
    extended = saved(tmp_path).model_copy(update={"id": "3", "extends": ["1"]})
    (tmp_path / "c.json").write_text(json.dumps({"provenance": extended.model_dump()}))
    assert differences(saved(tmp_path), run(tmp_path, captions="3"), OPTIONS) == []


def test_another_stage_is_another_run(tmp_path: Path) -> None:
    here = Origin("train-mle", SETTINGS, run(tmp_path).inputs)
    assert differences(saved(tmp_path), here, OPTIONS) == ["made by train-cl, here train-mle"]
