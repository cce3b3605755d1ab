"""compare: significant differences, and runs that were measured differently."""

import json
from pathlib import Path

import numpy as np
import pytest

from clcap_cli.stages.caption import caption
from clcap_cli.stages.evaluate import evaluate
from clcap_cli.stages.self_retrieve import self_retrieve
from clcap_cli.stages.train_cl import train_cl

FAST = "BLEU,ROUGE_L,CIDEr"


def test_a_run_does_not_differ_from_itself(chain: Path, clcap) -> None:
    metrics = evaluate(caption(chain / "nt.pt", device="cpu"), metrics="BLEU,METEOR,ROUGE_L,CIDEr")
    copied = metrics.with_name("again.metrics.json")
    copied.write_bytes(metrics.read_bytes())
    result = clcap("compare", metrics, copied)
    assert result.status == 0
    assert "METEOR" in result.out
    assert "no difference: every value is the same in every resample" in result.out
    assert "* significant" not in result.out and "differ in" not in result.out


def test_mle_and_cl_are_compared_with_ranks(chain: Path, clcap) -> None:
    files = []
    for name in ("nt", "nt_cl"):
        result = caption(chain / f"{name}.pt", device="cpu")
        ranked = self_retrieve(chain / f"{name}.pt", predictions=result, device="cpu")
        files.append(evaluate(result, metrics=FAST, retrieval=ranked))
    output = clcap("compare", *files, "--out", chain / "c.json")
    assert output.out.splitlines()[0] == "nt_cl against nt: 10 images, 95% intervals over images"
    assert output.out.splitlines()[-1] == str(chain / "c.json")
    assert "  model: trained by train-mle and train-cl" in output.out
    content = json.loads((chain / "c.json").read_text())
    rows = {(row["role"], row["setting"]): row["values"] for row in content["differing_settings"]}
    assert rows["checkpoint", "target"] == {"nt": None, "nt_cl": "nt"}
    assert rows["checkpoint", "objective"] == {"nt": None, "nt_cl": "contrastive"}
    (compared,) = content["comparisons"]
    assert "model: trained by train-mle and train-cl" in compared["run_differences"]["made_from"]
    assert {"CIDEr", "R@1", "mean_rank", "unique_share"} <= set(compared["metrics"])
    for name, file in (("first", files[0]), ("second", files[1])):
        metrics = json.loads(file.read_text())["metrics"]
        for metric, found in compared["metrics"].items():
            assert found[name] == pytest.approx(metrics[metric], abs=1e-9), metric
    untested = {name for name, found in compared["metrics"].items() if found["verdict"] == "not tested"}
    assert untested == {name for name in compared["metrics"] if name.startswith("vocabulary_")}
    for name, found in compared["metrics"].items():
        assert found["p_seeds"] is None
        if name in untested:
            assert found["interval"] is found["p_images"] is None
        else:
            assert found["interval"][0] <= found["difference"] <= found["interval"][1]
            assert found["p_images_holm"] >= found["p_images"]
    assert {name for name, found in compared["metrics"].items() if found["primary"]} == {
        "R@1",
        "R@5",
        "mean_rank",
        "CIDEr",
    }
    assert {name for name, found in compared["metrics"].items() if found["p_mcnemar"] is not None} == {"R@1", "R@5"}
    assert "about these models, not about the method" in output.out
    assert "nt_cl against nt: " in clcap("show", chain / "c.json").out
    assert clcap("compare", *files, "--out", chain / "d.json").status == 0
    assert json.loads((chain / "d.json").read_text())["comparisons"] == [compared]


def test_more_resamples_give_smaller_steps_of_p(tmp_path: Path, clcap) -> None:
    draw = np.random.default_rng(0)
    texts = [" ".join(draw.choice(["a", "dog", "cat", "runs", "on", "grass"], 6)) for _ in range(180)]
    references = tmp_path / "references.csv"
    references.write_text("\n".join(["image_id,caption", *(f"{n},{text}" for n, text in enumerate(texts[:60]))]))
    files = []
    for number in (1, 2):
        predictions = tmp_path / f"{number}.json"
        captions = texts[60 * number : 60 * (number + 1)]
        predictions.write_text(json.dumps([{"image_id": n, "caption": text} for n, text in enumerate(captions)]))
        files.append(evaluate(predictions=predictions, references=references, metrics="ROUGE_L", tokenize="words"))
    p_values = [_p_of_rouge(files, tmp_path / "c.json", clcap, resamples) for resamples in (200, 2000)]
    steps = [p * (resamples + 1) / 2 for p, resamples in zip(p_values, (200, 2000), strict=True)]
    assert steps == pytest.approx(np.round(steps))
    assert 0.1 < p_values[0] != p_values[1]
    assert [clcap("compare", *files, "--resamples", number).status for number in (99, 100_001)] == [2, 2]


def _p_of_rouge(files: list[Path], out: Path, clcap, resamples: int) -> float:
    assert clcap("compare", *files, "--resamples", resamples, "--out", out).status == 0
    return json.loads(out.read_text())["comparisons"][0]["metrics"]["ROUGE_L"]["p_images"]


def test_seeds_are_pooled_if_they_were_measured_alike(chain: Path, clcap) -> None:
    files, captions = [evaluate(caption(chain / "nt.pt", device="cpu"), metrics=FAST)], []
    for seed in (1, 2):
        checkpoint = train_cl(chain / "nt.pt", k=2, epochs=1, seed=seed, out=chain / f"cl_{seed}.pt", device="cpu")
        captions.append(caption(checkpoint, device="cpu"))
        files.append(evaluate(captions[-1], metrics=FAST))
    result = clcap("compare", *files)
    assert result.out.splitlines()[0].startswith("cl_{seed}, 2 seeds against nt: ")
    assert "about these models, not about the method" in result.out
    alone = clcap("compare", *files[1:])
    assert alone.out.splitlines()[0] == (
        "cl_{seed}, 2 seeds: a single setting, so there is nothing to compare; give files of other runs too"
    )
    assert "± " in alone.out and "over 2 seeds" in alone.out
    c1 = evaluate(captions[-1], metrics=FAST, references_per_image=1)
    out = clcap("compare", files[1], c1).out
    assert out.splitlines()[0].startswith("cl_2 against cl_1: ")
    assert any("CIDEr" in line and line.endswith(": refs c5 and c1") for line in out.splitlines())


def table(path: Path, captions: dict[int, str]) -> Path:
    path.write_text("id,caption\n" + "".join(f"{id},{text}\n" for id, text in captions.items()))
    return path


def test_an_unfair_comparison_is_reported(tmp_path: Path, clcap) -> None:
    references = {id: f"a dog number {id}" for id in range(6)}
    full = table(tmp_path / "references.csv", references)
    more = tmp_path / "more.csv"
    more.write_text(full.read_text() + "".join(f"{id},one dog {id}\n" for id in references))
    result = table(tmp_path / "predictions.csv", {id: f"a dog {id}" for id in references})
    fewer = table(tmp_path / "fewer.csv", {id: f"a dog {id}" for id in range(4)})
    first = evaluate(predictions=result, references=full, metrics=FAST)
    second = evaluate(predictions=result, references=more, metrics=FAST, out=tmp_path / "second.metrics.json")
    third = evaluate(predictions=fewer, references=full, only_common=True, metrics=FAST)
    out = clcap("compare", first, second).out
    assert "not comparable, because evaluated differently:\n" in out
    assert "CIDEr, vocabulary_share_of_references: refs c1 and c2\n" in out
    assert "  references: different data\n" in out
    fewer_images = clcap("compare", first, third).out
    assert "  images: 6 and 4 were scored; only the 4 in common are compared here\n" in fewer_images
    assert "not comparable" not in fewer_images


def test_incomparable_files_are_refused(tmp_path: Path, error_of) -> None:
    one = evaluate(
        predictions=table(tmp_path / "a.csv", {1: "a", 2: "b"}),
        references=table(tmp_path / "r.csv", {1: "a", 2: "b"}),
        metrics=FAST,
    )
    other = evaluate(
        predictions=table(tmp_path / "b.csv", {3: "a", 4: "b"}),
        references=table(tmp_path / "s.csv", {3: "a", 4: "b"}),
        metrics=FAST,
    )
    assert error_of("compare", one, other) == (
        "the runs have 0 images in common (a 2, b 2); evaluate them on the same images, at least 2, or leave out the "
        "runs of other images"
    )
    old = tmp_path / "old.metrics.json"
    content = json.loads(one.read_text())
    content["images"] = [{"image_id": 1, "caption": "a"}]
    old.write_text(json.dumps(content))
    assert error_of("compare", old, one) == (
        f"{old} was written by an older clcap, which did not store captions; run clcap evaluate again"
    )
    assert error_of("compare", tmp_path / "a.csv").startswith(
        f"{tmp_path / 'a.csv'} is a table with columns separated by commas, the first row id, caption; a file of a run"
    )


@pytest.mark.parametrize(
    "damage",
    [
        {"references": []},
        {"references": None},
        {"tokenised": 5},
        {"ROUGE_L": "x"},
        {"ROUGE_L": float("nan")},
        {"image_id": [1]},
        {"meteor_statistics": [1, 2]},
        {"rank": 0, "tied": 1},
        {"extra": 1},
        {"image_id": 2},
    ],
)
def test_damaged_metrics_files_are_refused(tmp_path: Path, error_of, damage: dict) -> None:
    rows = {1: "a", 2: "b"}
    one = evaluate(
        predictions=table(tmp_path / "a.csv", rows), references=table(tmp_path / "r.csv", rows), metrics=FAST
    )
    content = json.loads(one.read_text())
    content["images"][0] |= damage
    bad = tmp_path / "bad.metrics.json"
    bad.write_text(json.dumps(content))
    assert str(bad) in error_of("compare", one, bad)


def test_metrics_of_only_one_run_are_named(tmp_path: Path, clcap) -> None:
    table, files = tmp_path / "predictions.csv", []
    table.write_text("image_id,caption\n" + "".join(f"{id},a dog and {id} cats\n" for id in range(8)))
    for metrics in ("BLEU,ROUGE_L", "ROUGE_L,CIDEr"):
        out = tmp_path / f"{len(files)}.metrics.json"
        files.append(evaluate(predictions=table, references=table, metrics=metrics, out=out))
    for pair in (files, files[::-1]):
        result = clcap("compare", *pair, "--out", tmp_path / "c.json")
        assert result.status == 0, result.err
        (compared,) = json.loads((tmp_path / "c.json").read_text())["comparisons"]
        assert {"CIDEr"} == set(compared["only_in_second" if pair is files else "only_in_first"])
        (rest,) = [text for text in result.out.splitlines() if "CIDEr" in text]
        assert rest == "only 1 has CIDEr"
        assert "ROUGE_L " in result.out


def test_values_evaluated_differently_are_not_tested(tmp_path: Path, clcap) -> None:
    """BLEU's smoothing differs; other metrics are the same, and the captions' decoding may differ."""
    captions = {id: f"a {'dog' * (id % 3)} and {id} cats" for id in range(8)}
    references = table(tmp_path / "references.csv", {id: f"a dog and {id} cats" for id in captions})
    files = []
    for smoothing in ("coco", "add-k"):
        files.append(
            evaluate(
                predictions=table(tmp_path / "predictions.csv", captions),
                references=references,
                metrics="BLEU,ROUGE_L",
                bleu_smoothing=smoothing,
                out=tmp_path / f"{smoothing}.metrics.json",
            )
        )
    files[1].write_text(files[1].read_text().replace("decoding:unknown", "decoding:beam 5"))
    result = clcap("compare", *files, "--out", tmp_path / "c.json")
    assert result.out.index("not comparable, see below") < result.out.index("BLEU-4 ")
    assert (
        "  BLEU-1, BLEU-2, BLEU-3, BLEU-4: impl " in result.out
        and "  captions: decoding unknown and beam 5\n" in result.out
    )
    (compared,) = json.loads((tmp_path / "c.json").read_text())["comparisons"]
    apart = {name for name, found in compared["metrics"].items() if found["verdict"] == "not comparable"}
    assert apart == {"BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4"}
    for name, found in compared["metrics"].items():
        assert name not in apart or (found["interval"], found["p_images"], found["p_images_holm"]) == (None,) * 3
    assert compared["metrics"]["ROUGE_L"]["p_images"] == 1
    shown = " ".join(clcap("show", tmp_path / "c.json").out.split())
    assert "no significant difference (over images), not comparable: BLEU-1, BLEU-2, BLEU-3, BLEU-4" in shown


def test_one_file_is_not_resampled(tmp_path: Path, clcap) -> None:
    captions = table(tmp_path / "a.csv", dict.fromkeys(range(8), "a dog"))
    assert "resampling" not in clcap("compare", evaluate(predictions=captions, references=captions, metrics=FAST)).err


def scored_pair(tmp_path: Path) -> list[Path]:
    """Metrics files of two runs over 60 images; the second has other captions for half of them."""
    references = table(tmp_path / "references.csv", {id: f"a dog and {id % 7} cats" for id in range(60)})
    captions = {
        "nt": {id: f"a dog and {id % 7} cats" if id % 2 else "a bird" for id in range(60)},
        "nt_cl": {id: f"a dog and {id % 7} cats" for id in range(60)},
    }
    return [
        evaluate(predictions=table(tmp_path / f"{name}.csv", found), references=references, metrics=FAST)
        for name, found in captions.items()
    ]


def test_tables_are_written_with_the_numbers_of_the_json_file(tmp_path: Path, clcap) -> None:
    paths = {"out": tmp_path / "c.json", "markdown": tmp_path / "c.md", "latex": tmp_path / "c.tex"}
    options = [word for kind, path in paths.items() for word in (f"--{kind}", path)]
    assert clcap("compare", *scored_pair(tmp_path), *options).status == 0
    (compared,) = json.loads(paths["out"].read_text())["comparisons"]
    markdown, latex = paths["markdown"].read_text(), paths["latex"].read_text()
    assert markdown.startswith("nt_cl compared with nt\n\n| Metric | nt | nt_cl | Difference |")
    rows = {line.split(" | ")[0][2:].split()[0]: line.split(" | ") for line in markdown.splitlines() if "|" in line}
    for name in ("CIDEr", "BLEU-4", "ROUGE_L"):
        found = compared["metrics"][name]
        star = "\\*" if found["verdict"] in ("higher", "lower") else ""
        values = [f"{found['first']:.3f}", f"{found['second']:.3f}", f"{found['difference']:+.3f}{star}"]
        assert rows[name][1:4] == values and f"{found['interval'][0]:+.3f}" in rows[name][4]
        assert values[0] in latex and values[1] in latex
    assert "\\toprule" in latex and "60 images" in latex


def test_all_files_of_compare_are_written_or_none(tmp_path: Path, clcap, error_of) -> None:
    files = scored_pair(tmp_path)
    (tmp_path / "folder").mkdir()
    assert "it is a folder" in error_of("compare", *files, "--out", tmp_path / "c.json", "--latex", tmp_path / "folder")
    (tmp_path / "link.md").symlink_to("c.json")
    same = error_of("compare", *files, "--markdown", tmp_path / "link.md", "--out", tmp_path / "c.json")
    assert "is named for two outputs of this command" in same
    single = error_of("compare", files[0], "--markdown", tmp_path / "c.md", "--out", tmp_path / "c.json")
    assert single == "nt is the only setting, so there is no table of differences to write"
    assert not (tmp_path / "c.json").exists() and not (tmp_path / "c.md").exists()
