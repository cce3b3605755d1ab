"""What runs differ in, from the run cards of any number of them."""

from typing import Any

from clcap_cli.artifacts.differing_settings import DifferingSetting, differing_settings, seeds_by_role
from clcap_cli.artifacts.run_cards import RunCard
from clcap_cli.evaluation.setting_words import as_line, setting_text, value_texts

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
        DifferingSetting("checkpoint", "stage", ["train-mle", "train-cl", "train-cl"]),
        DifferingSetting("checkpoint", "k", [None, 5, 5]),
        DifferingSetting("checkpoint", "lr", [0.1, 0.1, 0.2]),
        DifferingSetting("target", "file", [None, "1", "1"]),
    ]
    assert [as_line(one, NAMES) for one in found] == [
        "model: trained by train-mle and train-cl and train-cl",
        "model: k 5 and 5 (only nt_cl and nt_dpo)",
        "model: lr 0.1 and 0.1 and 0.2",
        "target: only nt_cl and nt_dpo have one",
    ]


def test_a_fine_tuned_model_has_the_network_of_its_target() -> None:
    networks = [{"model": "neuraltalk2", "hidden": 512}, {"model": "adaptive-attention", "hidden": 512}]
    cards = [
        [card("checkpoint", "1", "train-mle", **networks[0])],
        [card("checkpoint", "3", "train-cl", nu=None), card("target", "1", "train-mle", **networks[0])],
        [card("checkpoint", "4", "train-cl", nu=None), card("target", "2", "train-mle", **networks[1])],
    ]
    found = {(one.role, one.setting): one.values for one in differing_settings(cards)}
    assert found["checkpoint", "model"] == ["neuraltalk2", "neuraltalk2", "adaptive-attention"]
    assert set(found) == {("checkpoint", "stage"), ("checkpoint", "model"), ("target", "file")}


def test_values_are_shown_in_words() -> None:
    cards = [
        [card("checkpoint", "1", "train-mle", max_steps=None, skip_bad=False)],
        [card("checkpoint", "2", "train-mle", max_steps=[1, 2], skip_bad=True)],
    ]
    shown = {setting_text(one): value_texts(one) for one in differing_settings(cards)}
    assert shown == {"max steps": ["default", "1, 2"], "skip bad": ["no", "yes"]}


def test_earlier_models_of_seeds_are_the_same_setting() -> None:
    """After two rounds of training, the roles of earlier models contain their ids, which differ between seeds."""
    stages = {"checkpoint": "train-cl", "target": "train-cl"}
    cards = [
        [
            *(card(role, f"{role}{seed}", stage, seed=seed) for role, stage in stages.items()),
            card(f"earlier target {seed}", str(seed), "train-mle", seed=seed),
        ]
        for seed in (1, 2)
    ]
    assert differing_settings(cards) == []
    assert seeds_by_role(cards[0]) == {"checkpoint": 1, "target": 1, "earlier target": 1}


def test_other_data_is_a_difference_but_another_model_is_not() -> None:
    first = [card("captions", "a", "prepare-captions"), card("checkpoint", "1", "train-mle")]
    second = [card("captions", "b", "prepare-captions"), card("checkpoint", "2", "train-mle")]
    (found,) = differing_settings([first, second])
    assert as_line(found, ["nt", "aa"]) == "prepared captions: different data"
    assert value_texts(found) == ["file 1", "file 2"]
    assert differing_settings([first, first]) == []


def test_versions_are_differences() -> None:
    cards = [[RunCard(role="checkpoint", id="1", stage="train-mle", torch=version)] for version in ("2.1", "2.2")]
    assert differing_settings(cards) == [DifferingSetting("checkpoint", "torch", ["2.1", "2.2"])]
