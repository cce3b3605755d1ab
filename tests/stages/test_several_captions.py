"""Several captions per image, from decoding to the report."""

import json
import shutil
from pathlib import Path

import pytest

from clcap_cli.stages.caption import caption
from clcap_cli.stages.evaluate import evaluate

FAST = "BLEU,ROUGE_L,CIDEr"
BEAM = ("--beam", 4, "--num-captions", 3)


def captions_by_image(path: Path) -> dict[int, list[str]]:
    """The captions of a results file by image."""
    found: dict[int, list[str]] = {}
    for entry in json.loads(path.read_text()):
        found.setdefault(entry["image_id"], []).append(entry["caption"])
    return found


def metrics_of(path: Path) -> dict:
    return json.loads(path.read_text())


def test_a_beam_gives_captions_in_order_of_likelihood(chain: Path, clcap) -> None:
    result = clcap("caption", chain / "nt.pt", *BEAM)
    assert result.status == 0, result.err
    captions = captions_by_image(chain / "nt.captions.json")
    assert len(captions) == 10 and all(len(own) == 3 for own in captions.values())
    entries = [entry["image_id"] for entry in json.loads((chain / "nt.captions.json").read_text())]
    assert entries == [id for id in captions for _ in range(3)]
    first = captions_by_image(caption(chain / "nt.pt", beam=4, out=chain / "first.captions.json"))
    assert {id: own[:1] for id, own in captions.items()} == first
    assert "captions  30, " in clcap("show", chain / "nt.captions.json").out


def test_each_metric_has_a_best_and_a_mean_value(chain: Path, clcap) -> None:
    results = caption(chain / "nt.pt", beam=4, num_captions=3)
    result = clcap("evaluate", results, "--metrics", FAST)
    assert result.status == 0, result.err
    assert "scoring 30 captions against 50 references" in result.err
    assert "\n  CIDEr_best_of_3 " in result.err
    scores = metrics_of(chain / "nt.metrics.json")
    assert "|captions:best of 3|" in scores["signatures"]["CIDEr_best_of_3"]
    values, images = scores["metrics"], scores["images"]
    assert values["images"] == 10 and scores["left_out"] == {"captions": 0, "images": 0}
    assert {"div_1", "div_2", "mBLEU-4", "CIDErBtw_best_of_3", "CIDErBtw_mean_of_3", "novel_share"} <= set(values)
    assert {f"{name}_{which}_of_3" for name in ("BLEU-1", "ROUGE_L", "CIDEr") for which in ("best", "mean")} <= set(
        values
    )
    assert not {"CIDEr", "ROUGE_L", "BLEU-4"} & set(values)
    without = {name for name in values if name.startswith(("vocabulary_", "CIDErBtw_"))} | {"images", "unique_captions"}
    assert set(values) - set(scores["intervals"]) == without
    for name, which in (("best", max), ("mean", lambda own: sum(own) / 3)):
        for image in images:
            each = [one["CIDEr"] for one in image["captions"]]
            assert image[f"CIDEr_{name}_of_3"] == pytest.approx(which(each))
    assert [image["caption"] for image in images] == [image["captions"][0]["caption"] for image in images]
    signature = scores["signatures"]["CIDEr_mean_of_3"]
    assert "|captions:mean of 3|tok:" in signature and "|decoding:beam 4, 3 captions|" in signature
    assert "|captions:3|" in scores["signatures"]["mBLEU-4"]


def test_captions_of_an_image_are_scored_independently(chain: Path) -> None:
    results = caption(chain / "nt.pt", beam=4, num_captions=3)
    together = metrics_of(evaluate(results, metrics=FAST))
    means = []
    for at in range(3):
        alone = chain / f"place{at}.json"
        entries = [{"image_id": id, "caption": own[at]} for id, own in captions_by_image(results).items()]
        alone.write_text(json.dumps(entries))
        one = metrics_of(evaluate(alone, references=chain / "captions.h5", metrics=FAST))
        means.append(one["metrics"]["CIDEr"])
        for several, single in zip(together["images"], one["images"], strict=True):
            for name in ("BLEU-1", "BLEU-4", "ROUGE_L", "CIDEr"):
                assert several["captions"][at][name] == pytest.approx(single[name], abs=1e-12)
    assert together["metrics"]["CIDEr_mean_of_3"] == pytest.approx(sum(means) / 3)


def test_signatures_of_samples_name_their_settings(chain: Path) -> None:
    options = {"temperature": 1.0, "top_p": 0.9, "num_captions": 2, "seed": 7}
    results = caption(chain / "nt.pt", **options)
    assert all(len(own) == 2 for own in captions_by_image(results).values())
    sampling = "|decoding:sampling, top-p 0.9, temperature 1, seed 7, 2 captions|"
    before = metrics_of(evaluate(results, metrics="ROUGE_L"))
    assert sampling in before["signatures"]["ROUGE_L_best_of_2"]
    itself = metrics_of(evaluate(chain / "nt.pt", metrics="ROUGE_L", out=chain / "own.metrics.json", **options))
    assert itself["signatures"] == before["signatures"]
    assert itself["metrics"] == before["metrics"]


def test_runs_are_compared_and_reported(chain: Path, clcap) -> None:
    files = [evaluate(chain / f"{name}.pt", beam=2, num_captions=2, metrics=FAST) for name in ("nt", "aa")]
    result = clcap("compare", *files)
    assert result.status == 0, result.err
    for name in ("CIDEr_best_of_2", "CIDEr_mean_of_2", "BLEU-4_best_of_2", "div_1", "mBLEU-4", "unique_share"):
        assert name in result.out.split()
    single = evaluate(chain / "nt.pt", metrics=FAST, out=chain / "single.metrics.json")
    one_sided = clcap("compare", files[0], single).out
    assert "\nCIDEr" not in one_sided and "\nonly nt has " in one_sided and "\nonly single has " in one_sided
    assert "CIDEr_mean_of_2" in clcap("report", *files, "--text").out
    same = clcap("compare", files[0], shutil.copy(files[0], chain / "copy.metrics.json"))
    assert "no difference: every value is the same in every resample" in same.out


def test_tables_may_have_several_captions_an_image(tmp_path: Path, clcap) -> None:
    captions, references = tmp_path / "predictions.csv", tmp_path / "references.csv"
    captions.write_text("image_id,caption\n1,a dog runs\n1,a cat\n2,two buses\n")
    references.write_text("image_id,caption\n1,a dog runs\n2,two buses\n")
    result = clcap("evaluate", "--predictions", captions, "--references", references, "--metrics", "ROUGE_L")
    assert result.status == 0, result.err
    assert metrics_of(tmp_path / "predictions.metrics.json")["metrics"]["ROUGE_L_best_of_1-2"] == 1


def test_changed_images_are_chosen_by_their_best_caption(tmp_path: Path, clcap) -> None:
    references = tmp_path / "references.csv"
    references.write_text("image_id,caption\n1,a dog runs\n2,two red buses\n")
    files = []
    for name, own in (("first", ("a cat", "a bird")), ("second", ("a cat", "a dog runs"))):
        table = tmp_path / f"{name}.csv"
        table.write_text("image_id,caption\n" + "".join(f"1,{text}\n2,two red buses\n" for text in own))
        files.append(evaluate(predictions=table, references=references, metrics="ROUGE_L"))
    out = clcap("compare", *files).out
    assert "gained most in ROUGE_L_best_of_2:\n  image 1  0." in out and "-> 1.000" in out


def test_stages_for_single_captions_refuse_several(chain: Path, clcap, error_of, usage_error_of) -> None:
    results = caption(chain / "nt.pt", beam=2, num_captions=2)
    many = f"{results} has more than one caption for 10 images: 33, 34, 35, 36, 37, …"
    assert error_of("self-retrieve", chain / "nt.pt", "--predictions", results) == many
    several = usage_error_of("self-retrieve", chain / "nt.pt", "--num-captions", 2)
    assert "--num-captions: self-retrieve ranks one caption of each image" in several
    assert "--num-captions" not in clcap("self-retrieve", "--help").out
    assert "num_captions" not in clcap("self-retrieve", "--print-config").out
    assert error_of("evaluate", results, "--submission", chain / "to", "--test-predictions", results) == many
    assert "4 is more than --beam 3; give a larger --beam, or sample with --temperature 1" in (
        usage_error_of("caption", chain / "nt.pt", "--beam", 3, "--num-captions", 4)
    )


@pytest.mark.parametrize(
    "damage",
    [
        {"captions": []},
        {"captions": None},
        {"captions": [{"caption": "a"}]},
        {"captions": [{"caption": "a", "tokenised": "a", "ROUGE_L": "x"}]},
        {"captions": [5]},
    ],
)
def test_damaged_files_of_several_captions_are_refused(tmp_path: Path, error_of, damage: dict) -> None:
    captions, references = tmp_path / "predictions.csv", tmp_path / "references.csv"
    captions.write_text("image_id,caption\n1,a dog\n1,a cat\n2,a bus\n2,a car\n")
    references.write_text("image_id,caption\n1,a dog\n2,two buses\n")
    good = evaluate(predictions=captions, references=references, metrics="ROUGE_L")
    content = json.loads(good.read_text())
    content["images"][0] |= damage
    bad = tmp_path / "bad.metrics.json"
    bad.write_text(json.dumps(content))
    assert str(bad) in error_of("compare", good, bad)


def test_the_beam_is_at_least_the_number_of_captions(chain: Path, clcap) -> None:
    assert clcap("caption", chain / "nt.pt", "--num-captions", 5).status == 0
    assert [len(own) for own in captions_by_image(chain / "nt.captions.json").values()] == [5] * 10
    assert ", 5 captions" in clcap("evaluate", chain / "nt.captions.json", "--metrics", "ROUGE_L").err
