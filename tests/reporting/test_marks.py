"""Stars and bold values of the report say what compare says of the same files."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clcap_cli.artifacts.comparisons import Comparison, open_comparison
from clcap_cli.evaluation.runs import Run, open_runs
from clcap_cli.metrics.registry import info_of
from clcap_cli.reporting.experiments import open_experiments
from clcap_cli.reporting.reported_comparison import compare_reported
from clcap_cli.reporting.setting_tables import setting_tables
from clcap_cli.reporting.tables.table import Cell, Table, run_tables
from clcap_cli.stages.evaluate import evaluate
from tests.reporting.conftest import scored_images

IMAGES = 120
WORDS = ["dog", "cat", "bird", "horse", "tree", "boat", "house", "ball", "man", "woman", "red", "blue"]
REFERENCES = [" ".join(np.random.default_rng(id).choice(WORDS, 6)) for id in range(IMAGES)]


@pytest.fixture
def scored(write) -> Callable[..., Path]:
    """Return a function that writes a metrics file whose metrics are those of its images."""

    def scored(name: str, ranks: np.ndarray, seed: int | None = None, setting: str = "", **scores: np.ndarray) -> Path:
        images = scored_images(ranks.tolist(), **{metric: values.tolist() for metric, values in scores.items()})
        metrics = {metric: float(values.mean()) for metric, values in scores.items()}
        recalls = {f"R@{k}": float((ranks <= k).mean()) for k in (1, 5)}
        card = {"role": "checkpoint", "id": name, "stage": "train-mle", "settings": {"seed": seed, "model": setting}}
        more = {"made_from": [card]} if seed is not None else {}
        return write(f"{name}.metrics.json", images, {**metrics, **recalls, "mean_rank": float(ranks.mean())}, **more)

    return scored


def cells(tables: list[Table]) -> dict[str, dict[str, Cell]]:
    """The cells of tables by metric and row."""
    found: dict[str, dict[str, Cell]] = {}
    for table in tables:
        for name, row in table.rows:
            for metric, cell in zip(table.metrics, row, strict=True):
                found.setdefault(metric.name, {})[name] = cell
    return found


def tables_of(runs: list[Run], baseline: str | None = None) -> dict[str, dict[str, Cell]]:
    compared = compare_reported(runs, baseline).compared
    return cells(setting_tables(compared) or run_tables(runs, compared))


def compared(clcap, folder: Path, files: list[Path], *options: str) -> list[Comparison]:
    result = clcap("compare", *files, *options, "--out", folder / "c.json")
    assert result.status == 0, result.err
    return open_comparison(folder / "c.json")


def captions(folder: Path, name: str, kept: float) -> Path:
    """Write captions that have this share of the words of their references."""
    rng = np.random.default_rng(1)
    lines = ["id,caption"]
    for id, text in enumerate(REFERENCES):
        words = [word if own < kept else "thing" for word, own in zip(text.split(), rng.random(6), strict=True)]
        lines.append(f"{id},{' '.join(words)}")
    path = folder / f"{name}.csv"
    path.write_text("\n".join(lines))
    return path


def test_cider_up_without_significance_is_not_marked(clcap, tmp_path: Path) -> None:
    references = tmp_path / "references.csv"
    references.write_text("id,caption\n" + "\n".join(f"{id},{text}" for id, text in enumerate(REFERENCES)))
    files = [
        evaluate(predictions=captions(tmp_path, name, kept), references=references, metrics="CIDEr")
        for name, kept in (("nt", 0.5), ("nt_cl", 0.503))
    ]
    (comparison,) = compared(clcap, tmp_path, files)
    found = tables_of(open_runs(files))["CIDEr"]
    assert 0.05 < comparison.metrics["CIDEr"].p_images < 1 and found["nt_cl"].value > found["nt"].value
    assert not any(cell.best or cell.significant for cell in found.values())


def test_significance_despite_overlapping_intervals_is_marked(scored) -> None:
    ranks = np.array([1] * 60 + [9] * 60)
    better = np.array([1] * 70 + [9] * 50)
    score = np.full(IMAGES, 0.5)
    runs = open_runs([scored("nt", ranks, ROUGE_L=score), scored("nt_cl", better, ROUGE_L=score)])
    found = tables_of(runs)["R@1"]
    assert found["nt_cl"].significant and found["nt_cl"].best
    assert not found["nt"].significant and not found["nt"].best


def test_a_baseline_that_beats_all_others_is_bold(scored) -> None:
    score = np.full(IMAGES, 0.5)
    ranks = {"nt": [1] * 100 + [9] * 20, "a": [1] * 60 + [9] * 60, "b": [9] * 120}
    runs = open_runs([scored(name, np.array(own), ROUGE_L=score) for name, own in ranks.items()])
    assert {name: (cell.best, cell.significant) for name, cell in tables_of(runs)["R@1"].items()} == {
        "nt": (True, False),
        "a": (False, True),
        "b": (False, True),
    }
    of_a = tables_of(runs, "a")["R@1"]
    assert {name: (cell.best, cell.significant) for name, cell in of_a.items()} == {
        "nt": (True, True),
        "a": (False, False),
        "b": (False, True),
    }


@pytest.mark.parametrize("seed", range(6))
def test_marks_are_the_verdicts_of_compare(scored, clcap, tmp_path: Path, seed: int) -> None:
    """Runs of random gains: a star exactly where compare finds a difference, bold only for significant gains."""
    rng = np.random.default_rng(seed)
    base, ranks = rng.random(IMAGES), rng.integers(1, 20, IMAGES)
    files = []
    for name in ("nt", "nt_a", "nt_b"):
        gains = rng.normal(rng.choice([0, 0.02, 0.2]), 0.1, IMAGES)
        own = np.maximum(1, ranks + rng.integers(-6, rng.integers(1, 6), IMAGES))
        files.append(scored(name, own, ROUGE_L=base + gains))
    found = tables_of(open_runs(files))
    comparisons = compared(clcap, tmp_path, files)
    assert [comparison.second for comparison in comparisons] == ["nt_a", "nt_b"]
    for comparison in comparisons:
        for name in ("R@1", "R@5", "mean_rank", "ROUGE_L"):
            difference, cell = comparison.metrics[name], found[name][comparison.second]
            assert cell.significant == difference.significant
            assert cell.value == pytest.approx(difference.second)
            gain = difference.difference * info_of(name).direction
            assert not cell.best or (difference.significant and gain > 0)
    for name, of_runs in found.items():
        assert sum(cell.best for cell in of_runs.values()) <= 1, name


def markdown_rows(text: str) -> dict[tuple[str, str], str]:
    """The cells of Markdown tables by row and column, without intervals."""
    found = {}
    for lines in (part.split("\n") for part in text.split("\n\n") if part.startswith("| ")):
        head, _, *rows = [line.strip("| ").split(" | ") for line in lines if line]
        for name, *row in rows:
            found |= {(name, column): cell.split(" [")[0] for column, cell in zip(head[1:], row, strict=True)}
    return found


@pytest.mark.parametrize("seed", range(2))
def test_markdown_and_terminal_say_what_compare_says(scored, clcap, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    base, ranks = rng.random(IMAGES), rng.integers(1, 20, IMAGES)
    files = [scored("nt", ranks, ROUGE_L=base)]
    for name in ("nt_a", "nt_b"):
        own = np.maximum(1, ranks + rng.integers(-8, 4, IMAGES))
        files.append(scored(name, own, ROUGE_L=base + rng.normal(rng.choice([0, 0.03]), 0.1, IMAGES)))
    result = clcap("report", *files, "--text", "--markdown", tmp_path / "r.md")
    cells = markdown_rows((tmp_path / "r.md").read_text())
    lines = {line.split("│")[1].split()[0]: line.split("│")[2:5] for line in result.out.splitlines() if "│" in line}
    for number, comparison in enumerate(compared(clcap, tmp_path, files), 1):
        for name in ("R@1", "R@5", "mean_rank", "ROUGE_L"):
            info, one = info_of(name), comparison.metrics[name]
            value, star = info.formatted(one.second), "*" if one.significant else ""
            cell = cells[comparison.second, info.heading]
            assert cell.replace("**", "") == value + (r"\*" if star else "")
            assert "**" not in cell or (star and one.difference * info.direction > 0)
            assert lines[name][number].strip() == value + star
            verdict = (tmp_path / "r.md").read_text().split(f"{comparison.second} compared with nt")[1]
            row = next(line for line in verdict.splitlines() if line.startswith(f"| {info.heading} |"))
            assert row.endswith((" better |", " worse |")) == bool(star)


def test_means_over_seeds_are_compared_and_single_runs_unmarked(scored, clcap, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    base, ranks = rng.random(IMAGES), rng.integers(1, 20, IMAGES)
    files = [
        scored(
            f"{setting}_{seed}", ranks, seed, setting, ROUGE_L=base + gain + seed / 100 + rng.normal(0, 0.002, IMAGES)
        )
        for setting, gain in (("nt", 0), ("cl", 0.3))
        for seed in (1, 2, 3)
    ]
    runs = open_runs(files)
    compared_runs = compare_reported(runs).compared
    means = cells(setting_tables(compared_runs))["ROUGE_L"]
    assert list(means) == ["nt_{seed}, 3 seeds", "cl_{seed}, 3 seeds"]
    assert means["cl_{seed}, 3 seeds"].best and means["cl_{seed}, 3 seeds"].spread.startswith("± ")
    assert not any(cell.best or cell.significant for cell in cells(run_tables(runs, compared_runs))["ROUGE_L"].values())
    (comparison,) = compared(clcap, tmp_path, files)
    assert comparison.metrics["ROUGE_L"].verdict == "higher"
    assert comparison.metrics["ROUGE_L"].second == pytest.approx(means["cl_{seed}, 3 seeds"].value)


def test_settings_stand_first_in_every_format(scored, clcap, tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    base, ranks = rng.random(IMAGES), rng.integers(1, 20, IMAGES)
    files = [
        scored(f"{setting}_{seed}", ranks, seed, setting, ROUGE_L=base + gain + rng.normal(0, 0.05, IMAGES))
        for setting, gain in (("nt", 0), ("cl", 0.3))
        for seed in (1, 2)
    ]
    outputs = {"markdown": tmp_path / "r.md", "latex": tmp_path / "r.tex"}
    options = [word for kind, path in outputs.items() for word in (f"--{kind}", path)]
    result = clcap("report", *files, "--text", *options)
    assert result.status == 0, result.err
    assert result.out.startswith("Results (mean ± sample standard deviation over seeds)")
    assert result.out.index("cl_{seed}, 2 seeds") < result.out.index("cl_1")
    markdown = outputs["markdown"].read_text()
    assert markdown.index("| cl_{seed}, 2 seeds |") < markdown.index("| cl_1 |")
    assert "cl_{seed}, 2 seeds compared with nt_{seed}, 2 seeds" in markdown
    assert r"cl\_\{seed\} & " in outputs["latex"].read_text()


def test_holms_correction_counts_all_systems(scored, clcap, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    base, ranks = rng.random(IMAGES), rng.integers(1, 20, IMAGES)
    files = [scored(name, ranks, ROUGE_L=base + rng.normal(0.02, 0.1, IMAGES)) for name in ("a", "b", "c", "d")]
    (alone,) = compared(clcap, tmp_path, files[:2])
    several = compared(clcap, tmp_path, files)
    tested = [one for comparison in several for one in comparison.metrics.values() if one.p_images is not None]
    family = [one for one in tested if not one.primary]
    smallest = min(family, key=lambda one: one.p_images)
    assert smallest.p_images_holm == pytest.approx(min(1, len(family) * smallest.p_images))
    assert several[0].metrics["ROUGE_L"].p_images == alone.metrics["ROUGE_L"].p_images
    assert several[0].metrics["ROUGE_L"].p_images_holm >= alone.metrics["ROUGE_L"].p_images_holm


def test_several_systems_have_an_overview(scored, clcap) -> None:
    ranks = {"nt": [1] * 100 + [9] * 20, "a_system_with_a_name_that_is_longer_than_most": [1] * 60 + [9] * 60}
    ranks["b"] = ranks["nt"]
    score = np.full(IMAGES, 0.5)
    out = clcap("compare", *(scored(name, np.array(own), ROUGE_L=score) for name, own in ranks.items())).out
    assert out.splitlines()[:5] == [
        "                                  R@1     R@5  mean_rank",
        "nt                              0.833   0.833       2.33",
        "a_system_with_a_name_that_is_longer_than_most",
        "                                0.500*  0.500*      5.00*",
        "b                               0.833   0.833       2.33",
    ]
    assert out.count("Holm: p corrected for all metrics and settings, ") == 1


def test_rows_of_tables_are_compared_with_their_baseline(scored, clcap, tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    base, ranks = rng.random(IMAGES), rng.integers(1, 20, IMAGES)
    files = [
        scored(f"{name}_{seed}", ranks, ROUGE_L=base + gain + rng.normal(0, 0.02, IMAGES))
        for name, gain in (("nt", 0), ("cl", 0.3))
        for seed in (1, 2, 3)
    ]
    rows = {"MLE": "nt_{seed}", "CL": "cl_{seed}"}
    tables = tmp_path / "tables.json"
    tables.write_text(json.dumps([{"name": "main", "title": "Main", "metrics": ["ROUGE_L"], "rows": rows}]))
    runs = open_runs(files)
    found = cells(open_experiments(tables, runs).tables)["ROUGE_L"]
    assert [(cell.best, cell.significant) for cell in found.values()] == [(False, False), (True, True)]
    found = cells(open_experiments(tables, runs, "CL").tables)["ROUGE_L"]
    assert [(cell.best, cell.significant) for cell in found.values()] == [(False, True), (True, False)]
    options = [word for pattern in rows.values() for word in ("--setting", pattern)]
    (comparison,) = compared(clcap, tmp_path, files, *options)
    assert comparison.metrics["ROUGE_L"].verdict == "higher"
    result = clcap("report", *files, "--tables", tables, "--baseline", "GAN", "--text")
    assert result.status == 2 and "no row of the tables is called 'GAN'; choose from MLE, CL" in result.err


def test_runs_over_other_images_are_compared_over_common_ones(scored, write, capsys) -> None:
    score, ranks = np.random.default_rng(1).random(IMAGES), np.full(IMAGES, 3)
    first = scored("nt", ranks, ROUGE_L=score)
    fewer = write("nt_cl.metrics.json", scored_images(ROUGE_L=(score[:60] + 1).tolist()), {"ROUGE_L": 9.0})
    runs = open_runs([first, fewer])
    comparison = compare_reported(runs)
    assert not any(cell.best for cell in cells(run_tables(runs, comparison.compared))["ROUGE_L"].values())
    (table,) = (table for table in setting_tables(comparison.compared) if "ROUGE_L" in [m.name for m in table.metrics])
    assert "over the 60 images in common" in table.heading
    assert cells([table])["ROUGE_L"]["nt_cl"].value == pytest.approx(score[:60].mean() + 1)
    assert cells([table])["ROUGE_L"]["nt_cl"].best
    assert any("120" in warning and "60 in common" in warning for warning in comparison.warnings)


def test_runs_that_cannot_be_compared_do_not_break_the_report(scored, write, clcap) -> None:
    ranks, score = np.full(IMAGES, 3), np.full(IMAGES, 0.5)
    old = [{"image_id": id, "caption": "a dog", "ROUGE_L": 1.0} for id in range(IMAGES)]
    elsewhere = [{**image, "image_id": f"x{image['image_id']}"} for image in scored_images(ROUGE_L=score.tolist())]
    files = [scored("nt", ranks, ROUGE_L=score), scored("nt_cl", ranks, ROUGE_L=score + 1)]
    files += [write("old.metrics.json", old, {"ROUGE_L": 1.0}), write("else.metrics.json", elsewhere, {"ROUGE_L": 0.5})]
    result = clcap("report", *files, "--text")
    assert result.status == 0
    message = " ".join(result.err.split())
    assert "old is not compared: " in message and "written by an older clcap" in message
    assert "else is not compared: it has 0 images in common with the others, and at least 2 are needed." in message
    reversed_order = clcap("report", *files[::-1], "--text")
    assert reversed_order.status == 0 and "*" not in reversed_order.out


@pytest.mark.parametrize("stage", ["compare", "report"])
def test_an_unknown_baseline_is_refused(scored, clcap, stage: str) -> None:
    files = [scored(name, np.full(6, 2), ROUGE_L=np.full(6, 0.5)) for name in ("nt", "nt_cl")]
    result = clcap(stage, *files, "--baseline", "mle")
    assert result.status == 2
    assert "no run is called 'mle'; choose from nt, nt_cl" in " ".join(re.sub("[│╭╮╰╯─]", " ", result.err).split())


def test_ranks_alone_are_compared(write, clcap, tmp_path: Path) -> None:
    ranks = {"nt": [20] * IMAGES, "nt_cl": [1] * IMAGES}
    images = {name: scored_images(own) for name, own in ranks.items()}
    for own in (image for found in images.values() for image in found):
        del own["tokenised"], own["references"]
    files = [write(f"{name}.retrieval.json", found, {"R@1": 0.5}) for name, found in images.items()]
    (comparison,) = compared(clcap, tmp_path, files)
    assert set(comparison.metrics) == {"R@1", "R@5", "R@10", "R@50", "R@500", "median_rank", "mean_rank"}
    assert comparison.metrics["R@1"].verdict == "higher"


def test_ranks_join_the_metrics_of_the_same_captions(scored, write, clcap, tmp_path: Path) -> None:
    score = np.random.default_rng(2).random(IMAGES)
    files = []
    for name, rank in (("nt", 20), ("nt_cl", 1)):
        files.append(
            write(f"{name}.metrics.json", scored_images(ROUGE_L=score.tolist()), {"ROUGE_L": float(score.mean())})
        )
        files.append(write(f"{name}.retrieval.json", scored_images([rank] * IMAGES), {"R@1": float(rank == 1)}))
    (comparison,) = compared(clcap, tmp_path, files)
    assert comparison.metrics["R@1"].verdict == "higher" and comparison.metrics["ROUGE_L"].verdict == "same"
    assert json.loads((tmp_path / "c.json").read_text())["provenance"]["inputs"].__len__() == 4


def test_the_overview_has_a_dagger_for_other_pools(write, clcap) -> None:
    files = [
        write(f"{name}.retrieval.json", scored_images([1] * 60), {"R@1": 1.0}, signatures={"R@1": f"pool:{pool}"})
        for name, pool in (("nt", 60), ("cl", 60), ("p90", 90))
    ]
    _, nt, cl, p90, sign, *_ = clcap("compare", *files).out.splitlines()
    assert p90.split()[1] == "1.000†" and "†" not in nt + cl
    assert sign == "† evaluated differently, so not comparable with the first row; see below"
