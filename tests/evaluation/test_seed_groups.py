"""Runs that differ only in their seeds form one setting, and runs of two settings are paired by seed."""

from pathlib import Path
from typing import Any

import pytest

from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.results import METRICS_KIND, Results
from clcap_cli.artifacts.run_cards import RunCard
from clcap_cli.evaluation.run_files import RunFiles
from clcap_cli.evaluation.runs import Run, make_run
from clcap_cli.evaluation.seed_groups import group_by_setting, seeds_of
from clcap_cli.metrics.seed_test import seed_test


def card(role: str, id: str, stage: str, **settings: Any) -> RunCard:
    return RunCard(role=role, id=id, stage=stage, settings=settings)


def run(name: str, cards: list[RunCard], caption: str = "a dog", signature: str = "decoding:beam 3") -> Run:
    provenance = Origin("evaluate", {}).make_provenance(METRICS_KIND, name, Path(name))
    images = [{"image_id": 1, "caption": caption}]
    path = Path(f"{name}.metrics.json")
    results = Results(path, provenance, {}, {}, {"CIDEr": signature}, {}, cards, images)
    return make_run(name, RunFiles(Path(name), results))


def mle(seed: int, **settings: Any) -> Run:
    return run(f"nt_{seed}", [card("checkpoint", f"nt{seed}", "train-mle", seed=seed, **settings)], f"caption {seed}")


def cl(seed: int, target_seed: int) -> Run:
    name = f"cl_{seed}_{target_seed}"
    cards = [
        card("checkpoint", name, "train-cl", seed=seed),
        card("target", f"nt{target_seed}", "train-mle", seed=target_seed),
    ]
    return run(name, cards, f"caption {name}")


def test_runs_are_grouped_by_everything_but_the_seed() -> None:
    runs = [mle(1), cl(1, 1), mle(2), cl(2, 2), mle(3, lr=0.1)]
    assert [group.name for group in group_by_setting(runs)] == [
        "nt_{seed}, 2 seeds",
        "cl_{seed}_{seed}, 2 seeds",
        "nt_3",
    ]


@pytest.mark.parametrize(
    "runs",
    [[cl(1, 1), cl(2, 2)], [cl(0, 1), cl(0, 2)], [cl(11, 1), cl(12, 2)], [cl(7, 2), cl(7, 1)]],
    ids=["same seeds", "default seed of train-cl", "other seeds of train-cl", "other order"],
)
def test_cl_is_paired_with_the_mle_run_that_it_started_from(runs: list[Run]) -> None:
    groups = group_by_setting([mle(1), mle(2), *runs])
    test = seed_test(groups[0].seeds, groups[1].seeds)
    assert test is not None and test.paired


def test_runs_from_one_model_are_told_apart_by_their_own_seed() -> None:
    assert seeds_of([cl(1, 5), cl(2, 5)]) == [1, 2]
    assert len(set(seeds_of([cl(1, 1), cl(2, 1), cl(1, 2), cl(2, 2)]))) == 4


def test_runs_fine_tuned_from_one_model_are_warned_of(capsys) -> None:
    message = "runs like cl_1_5 were fine-tuned from the same model"
    group_by_setting([cl(1, 5), cl(2, 6)])
    assert message not in capsys.readouterr().err
    group_by_setting([cl(1, 5), cl(2, 5)])
    assert message in capsys.readouterr().err


def test_seeds_of_sampled_captions_are_seeds() -> None:
    cards = [card("checkpoint", "nt", "train-mle", seed=0)]
    runs = [
        run(str(seed), cards, f"caption {seed}", f"decoding:sampling, top-p 0.9, seed {seed}|precision:fp32")
        for seed in (1, 2)
    ]
    (group,) = group_by_setting(runs)
    assert len(set(group.seeds)) == 2


def test_copies_of_a_run_are_no_further_seeds(capsys) -> None:
    groups = group_by_setting([mle(1), mle(2), cl(1, 1), cl(2, 2), cl(2, 2)])
    assert [len(group.runs) for group in groups] == [2, 2]
    message = "cl_2_2 is the same run as cl_2_2, so only cl_2_2 is compared, and counted as a seed"
    assert message in " ".join(capsys.readouterr().err.split())


def test_many_copies_give_one_warning(capsys) -> None:
    group_by_setting([mle(1), *[cl(1, 1)] * 30])
    (warning,) = capsys.readouterr().err.split("warning:")[1:]
    assert " ".join(warning.split()).startswith("cl_1_1, cl_1_1, cl_1_1, cl_1_1, cl_1_1, … are the same run as cl_1_1")


def test_runs_without_recorded_seeds_have_no_warning(capsys) -> None:
    runs = [run(name, [card("checkpoint", name, "train-mle")], f"caption {name}") for name in ("aa", "aa_cl")]
    assert [group.name for group in group_by_setting(runs)] == ["aa", "aa_cl"]
    assert capsys.readouterr().err == ""


def test_a_run_can_be_compared_with_its_copy() -> None:
    assert [len(group.runs) for group in group_by_setting([mle(1), mle(1)])] == [1, 1]


def test_a_seed_that_was_trained_twice_is_no_further_seed(capsys) -> None:
    again = run("again", [card("checkpoint", "other weights", "train-mle", seed=1)], "another caption")
    assert [len(group.runs) for group in group_by_setting([mle(1), mle(2), again])] == [2, 1]
    assert "again has the same settings and seeds as nt_1" in capsys.readouterr().err


def test_equal_captions_of_two_seeds_are_two_runs() -> None:
    runs = [run(f"nt_{seed}", [card("checkpoint", f"nt{seed}", "train-mle", seed=seed)]) for seed in (1, 2)]
    (group,) = group_by_setting(runs)
    assert group.seeds == [1, 2]


def test_settings_with_the_same_pattern_are_listed() -> None:
    runs = [mle(1), mle(2), mle(3, lr=0.1), mle(4, lr=0.1)]
    assert [group.name for group in group_by_setting(runs)] == ["nt_1, nt_2, 2 seeds", "nt_3, nt_4, 2 seeds"]


def test_a_damaged_seed_is_a_seed_like_any_other() -> None:
    runs = [run(f"nt_{n}", [card("checkpoint", f"nt{n}", "train-mle", seed=[n])], f"caption {n}") for n in (1, 2)]
    (group,) = group_by_setting(runs)
    assert group.seeds == ["[1]", "[2]"]
