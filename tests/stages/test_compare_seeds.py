"""compare with several seeds of each setting: which p decides, and what is stored."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.results import METRICS_KIND

IMAGES = 60


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes the metrics file of a run with given values of ROUGE_L and ranks."""

    def run(setting: str, seed: int, scores: Sequence[float], ranks: Sequence[int] = (1,) * IMAGES) -> Path:
        path = tmp_path / f"{setting}_{seed}.metrics.json"
        texts = {"caption": "a dog", "tokenised": "a dog", "references": ["a dog"]}
        pairs = enumerate(zip(scores, ranks, strict=True))
        images = [{"image_id": id, "ROUGE_L": float(s), "rank": int(r), "tied": 1, **texts} for id, (s, r) in pairs]
        card = {"role": "checkpoint", "id": path.name, "stage": "train-mle"}
        made_from = [{**card, "settings": {"seed": seed, "model": setting}}]
        provenance = Origin("evaluate", {}).make_provenance(METRICS_KIND, path.name, path).model_dump()
        path.write_text(json.dumps({"provenance": provenance, "metrics": {}, "made_from": made_from, "images": images}))
        return path

    return run


def compared(clcap: Callable, out: Path, *files: Path) -> tuple[str, dict]:
    result = clcap("compare", *files, "--out", out)
    assert result.status == 0, result.err
    return result.out, json.loads(out.read_text())["comparisons"][0]


def test_images_and_seeds_have_a_p_each(tmp_path: Path, clcap, run) -> None:
    """Every image gains, so images agree; whether a seed gains is chance."""
    gains = {1: 0.5, 2: -0.2, 3: 0.3}
    base = np.random.default_rng(1).random((4, IMAGES))
    first = [run("a", seed, base[seed]) for seed in gains]
    second = [run("b", seed, base[seed] + gain) for seed, gain in gains.items()]
    out, comparison = compared(clcap, tmp_path / "c.json", *first, *second)
    assert comparison["seed_test"] == "paired t-test over 3 seeds"
    assert "  paired t-test over 3 seeds\n" in out
    found = comparison["metrics"]["ROUGE_L"]
    assert found["p_images"] < 0.05
    assert found["p_seeds"] == pytest.approx(ttest_rel(list(gains.values()), [0, 0, 0]).pvalue)
    assert found["verdict"] == "not significant"
    assert "about these models" not in out
    shown = "b_{seed}, 3 seeds against a_{seed}, 3 seeds: no significant difference (paired t-test over 3 seeds)"
    assert shown in " ".join(clcap("show", tmp_path / "c.json").out.split())


def test_other_seeds_are_tested_without_pairs(tmp_path: Path, clcap, run) -> None:
    means = {"a": {1: 0.1, 2: 0.2, 3: 0.15}, "b": {4: 0.5, 5: 0.6}}
    files = [run(name, seed, [mean] * IMAGES) for name, seeds in means.items() for seed, mean in seeds.items()]
    out, comparison = compared(clcap, tmp_path / "c.json", *files)
    assert "  Welch's t-test over 3 and 2 seeds\n" in out
    expected = ttest_ind(*(list(seeds.values()) for seeds in means.values()), equal_var=False).pvalue
    assert comparison["metrics"]["ROUGE_L"]["p_seeds"] == pytest.approx(expected)


def test_the_same_gain_for_all_seeds_has_no_p(tmp_path: Path, clcap, run) -> None:
    files = [run(name, seed, [seed / 10 + gain] * IMAGES) for name, gain in (("a", 0), ("b", 0.2)) for seed in (1, 2)]
    out, comparison = compared(clcap, tmp_path / "c.json", *files)
    found = comparison["metrics"]["ROUGE_L"]
    assert (found["p_seeds"], found["p_seeds_holm"], found["verdict"]) == (None, None, "same for all seeds")
    assert "no p over seeds, because the difference is the same for all seeds:" in out


def test_primary_metrics_are_corrected_among_themselves(tmp_path: Path, clcap, run) -> None:
    rng = np.random.default_rng(2)
    files = [run(name, 1, rng.random(IMAGES), rng.integers(1, 30, IMAGES)) for name in ("a", "b")]
    out, comparison = compared(clcap, tmp_path / "c.json", *files)
    metrics = comparison["metrics"]
    primary = {name for name, found in metrics.items() if found["primary"]}
    assert primary == {"R@1", "R@5", "mean_rank"}
    for family in (primary, {name for name, found in metrics.items() if found["p_images"] is not None} - primary):
        name = min(family, key=lambda name: metrics[name]["p_images"])
        assert metrics[name]["p_images_holm"] == pytest.approx(min(1, len(family) * metrics[name]["p_images"]))
    assert out.index("mean_rank") < out.index("other metrics") < out.index("ROUGE_L")


@pytest.mark.parametrize(("other_rank", "p_images"), [(20, 0.125), (21, 0.028)], ids=["few", "all"])
def test_few_hits_show_mcnemar_beside_the_bootstrap(
    other_rank: int, p_images: float, tmp_path: Path, clcap, run
) -> None:
    """Four ranks differ, or all: only the bootstrap needs McNemar's test beside it."""
    ranks = [1] * 4 + [other_rank] * (IMAGES - 4)
    files = [run("a", 1, [0.5] * IMAGES, [20] * IMAGES), run("b", 1, [0.5] * IMAGES, ranks)]
    out, comparison = compared(clcap, tmp_path / "c.json", *files)
    found = comparison["metrics"]["R@1"]
    assert found["p_mcnemar"] == pytest.approx(2 / 2**4)
    assert found["p_images"] == pytest.approx(p_images, abs=0.01)
    assert ("\n  McNemar " in out) == (other_rank == 21)


def scored(folder: Path, name: str, mean: float) -> Path:
    """Write the metrics file of captions of another program, which records no settings."""
    texts = [{"image_id": id, "caption": f"{name} {id}", "tokenised": "a", "references": ["a"]} for id in range(IMAGES)]
    images = [{**text, "ROUGE_L": mean + text["image_id"] % 7 / 100} for text in texts]
    path = folder / f"{name}.metrics.json"
    path.parent.mkdir(exist_ok=True, parents=True)
    made_from = [{"role": "predictions", "id": name}]
    provenance = Origin("evaluate", {}).make_provenance(METRICS_KIND, name, path).model_dump()
    path.write_text(json.dumps({"provenance": provenance, "metrics": {}, "made_from": made_from, "images": images}))
    return path


@pytest.mark.parametrize("patterns", [("mle_{seed}", "cl_{seed}"), ("x/mle_{seed}.metrics.json", "x/cl_{seed}")])
def test_patterns_group_runs_of_other_programs(tmp_path: Path, clcap, patterns: tuple[str, str]) -> None:
    means = {"mle": {1: 0.1, 2: 0.2, 10: 0.15}, "cl": {10: 0.3, 1: 0.4, 2: 0.35}}
    files = [
        scored(tmp_path / "x", f"{name}_{seed}", mean) for name, runs in means.items() for seed, mean in runs.items()
    ]
    options = [part for pattern in patterns for part in ("--setting", pattern)]
    result = clcap("compare", *files, *options, "--out", tmp_path / "c.json")
    assert "  paired t-test over 3 seeds\n" in result.out
    (comparison,) = json.loads((tmp_path / "c.json").read_text())["comparisons"]
    expected = ttest_rel(*([by_seed[seed] for seed in (1, 2, 10)] for by_seed in means.values())).pvalue
    assert comparison["metrics"]["ROUGE_L"]["p_seeds"] == pytest.approx(expected)


def test_patterns_are_suggested_where_seeds_are_not_recorded(tmp_path: Path, clcap, run) -> None:
    names = ("k5_mle_1", "k5_mle_2", "human", "k5_cl_1", "k5_cl_2")
    advice = "if these runs differ only in their seeds, which they do not record, add "
    options = "--setting 'k5_mle_{seed}' --setting 'k5_cl_{seed}'"
    assert advice + options in " ".join(clcap("compare", *(scored(tmp_path, name, 0.5) for name in names)).err.split())
    recorded = [run(setting, 1, [0.5] * IMAGES) for setting in ("a_1", "a_2")]
    assert advice not in clcap("compare", *recorded).err


def test_seeds_can_be_folders(tmp_path: Path, clcap) -> None:
    files = [scored(tmp_path, f"seed{seed}/{name}", seed) for name in ("mle", "cl") for seed in (1, 2)]
    result = clcap("compare", *files, "--setting", "seed{seed}/mle", "--setting", "seed{seed}/cl")
    assert result.out.startswith("seed{seed}/cl, 2 seeds against seed{seed}/mle, 2 seeds: ")


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["mle_{seed}"], "every run belongs to one pattern, but {folder}/cl_1 matches none of them"),
        (["{seed}", "mle_{seed}", "cl_{seed}"], "no run matches '{{seed}}'; a pattern is a file's name without"),
        (["mle_1", "mle_{seed}", "cl_{seed}"], "{folder}/mle_1 matches 'mle_1' and 'mle_{{seed}}'"),
    ],
)
def test_wrong_patterns_are_refused(tmp_path: Path, clcap, patterns: list[str], message: str) -> None:
    files = [scored(tmp_path, name, 0.5) for name in ("mle_1", "mle_2", "cl_1")]
    result = clcap("compare", *files, *(part for pattern in patterns for part in ("--setting", pattern)))
    assert result.status == 2
    assert message.format(folder=tmp_path) in " ".join(result.err.split())


def test_two_runs_of_one_seed_are_refused(tmp_path: Path, clcap) -> None:
    files = [scored(tmp_path / folder, "mle_1", 0.5) for folder in ("a", "b")]
    files[1].write_text(files[1].read_text().replace("mle_1 0", "another caption"))
    result = clcap("compare", *files, "--setting", "mle_{seed}")
    assert result.status == 2 and "has the same seed as" in result.err


def test_one_run_against_several_seeds_has_no_p_over_seeds(tmp_path: Path, clcap, run) -> None:
    files = [run("a", seed, [seed / 10] * IMAGES) for seed in (1, 2)]
    out, comparison = compared(clcap, tmp_path / "c.json", *files, run("b", 1, [0.5] * IMAGES))
    assert "no p over seeds: b_1 has one run\n" in out
    assert comparison["seed_test"] is None
