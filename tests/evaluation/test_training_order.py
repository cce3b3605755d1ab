"""Runs are listed after those that they were trained from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.page.selected_runs import selected_runs
from clcap_cli.reporting.reported_comparison import compare_reported
from clcap_cli.reporting.reported_runs import open_reported_runs
from tests.reporting.conftest import scored_images, write

__all__ = ["write"]

IMAGES = scored_images(CIDEr=[0.1, 0.2, 0.3, 0.4])


def card(role: str, id: str, stage: str, seed: int = 0) -> dict[str, Any]:
    return {"role": role, "id": id, "stage": stage, "settings": {"seed": seed}}


def trained(id: str, *targets: str, seed: int = 0) -> list[dict[str, Any]]:
    """The run cards of a model and of the models that it was trained from."""
    stage = "train-cl" if targets else "train-mle"
    roles = ["target", *(f"earlier target {id}" for id in targets[1:])]
    return [
        card("checkpoint", id, stage, seed),
        *(card(*pair, "train-mle", seed) for pair in zip(roles, targets, strict=False)),
    ]


def names(write: Callable[..., Path], made: dict[str, list]) -> list[str]:
    files = [write(f"{name}.metrics.json", IMAGES, {"CIDEr": 0.25}, made_from=cards) for name, cards in made.items()]
    return [run.name for run in open_reported_runs(files)]


def test_recorded_models_decide_and_not_names(write) -> None:
    assert names(write, {"a": trained("2", "1"), "b": trained("1")}) == ["b", "a"]
    assert names(write, {"a": trained("2", "1"), "a_mle": trained("1")}) == ["a_mle", "a"]
    rounds = {"second": trained("3", "2", "1"), "first": trained("2", "1"), "mle": trained("1")}
    assert names(write, rounds) == ["mle", "first", "second"]
    assert names(write, {"second": trained("3", "2", "1"), "mle": trained("1")}) == ["mle", "second"]


def test_names_decide_without_a_recorded_model(write) -> None:
    assert names(write, {"nt_cl": [], "nt": []}) == ["nt", "nt_cl"]
    assert names(write, {"nt_cl": trained("2", "lost"), "nt": trained("1")}) == ["nt", "nt_cl"]


def test_runs_that_claim_to_be_trained_from_each_other_are_listed(write) -> None:
    assert sorted(names(write, {"a": trained("1", "2"), "b": trained("2", "1")})) == ["a", "b"]


def test_the_page_opens_with_a_run_and_one_trained_from_it(write) -> None:
    made = {f"nt_{seed}": trained(f"1{seed}", seed=seed) for seed in (1, 2)}
    made |= {f"cl_{seed}": trained(f"2{seed}", f"1{seed}", seed=seed) for seed in (1, 2)}
    files = [write(f"{name}.metrics.json", IMAGES, {"CIDEr": 0.25}, made_from=cards) for name, cards in made.items()]
    runs = open_runs(files)
    compared = compare_reported(runs).compared
    assert [runs[position].name for position in selected_runs(runs, compared)] == ["nt_1", "cl_1"]
    assert [runs[position].name for position in selected_runs(runs[:2], None)] == ["nt_1", "nt_2"]
