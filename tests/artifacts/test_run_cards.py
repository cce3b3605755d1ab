"""What runs differ in, from the run cards of any number of them."""

from typing import Any

from clcap_cli.artifacts.run_cards import DifferingSetting, RunCard, differing_settings

NAMES = ["nt", "nt_cl", "nt_dpo"]


def card(role: str, id: str, stage: str | None, **settings: Any) -> RunCard:
    return RunCard(role=role, id=id, stage=stage, settings=settings)


def test_settings_of_any_number_of_runs_are_listed() -> None:
    cards = [
        [card("checkpoint", "1", "train-mle", seed=1, lr=0.1)],
        [card("checkpoint", "2", "train-cl", seed=2, lr=0.1, k=5), card("target", "1", "train-mle")],
        [card("checkpoint", "3", "train-cl", seed=3, lr=0.2, k=5), card("target", "1", "train-mle")],
    ]
    found = differing_settings(cards)
    assert found == [
        DifferingSetting("checkpoint", "lr", [0.1, 0.1, 0.2]),
        DifferingSetting("checkpoint", "stage", ["train-mle", "train-cl", "train-cl"]),
        DifferingSetting("target", "file", [None, "1", "1"]),
    ]
    assert [one.as_line(NAMES) for one in found] == [
        "checkpoint: lr 0.1 and 0.1 and 0.2",
        "checkpoint: stage train-mle and train-cl and train-cl",
        "target: only nt_cl and nt_dpo have one",
    ]


def test_other_data_is_a_difference_but_another_model_is_not() -> None:
    first = [card("captions", "a", "prepare-captions"), card("checkpoint", "1", "train-mle")]
    second = [card("captions", "b", "prepare-captions"), card("checkpoint", "2", "train-mle")]
    (found,) = differing_settings([first, second])
    assert found.as_line(["nt", "aa"]) == "captions: different data (a and b)"
    assert differing_settings([first, first]) == []


def test_versions_are_differences() -> None:
    cards = [[RunCard(role="checkpoint", id="1", stage="train-mle", torch=version)] for version in ("2.1", "2.2")]
    assert differing_settings(cards) == [DifferingSetting("checkpoint", "torch", ["2.1", "2.2"])]
