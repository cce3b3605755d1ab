"""Captions from any source are scored, and mismatched ids are explained."""

import json
from pathlib import Path

import pytest

from clcap_cli.artifacts.submission import IMAGE_COUNTS
from clcap_cli.metrics.id_matching import describe_mismatch
from clcap_cli.stages.caption import caption

FAST = ("--metrics", "rouge_l,cider")
REFERENCES = {
    "x/a.jpg": ["a dog runs", "the dog is running"],
    "x/b.jpg": ["two cats sleep"],
    "x/c.jpg": ["a red bus, parked"],
}
CAPTIONS = {"x/a.jpg": "a dog runs", "x/b.jpg": "two dogs", "x/c.jpg": "a red bus, parked"}


def csv(path: Path, rows: dict[str, str], id: str = "image_id") -> Path:
    path.write_text(f"{id},caption\n" + "".join(f'{name},"{text}"\n' for name, text in rows.items()))
    return path


def jsonl(path: Path, rows: dict[str, list[str]]) -> Path:
    path.write_text("".join(json.dumps({"image_id": id, "captions": texts}) + "\n" for id, texts in rows.items()))
    return path


def test_tables_with_any_ids_can_be_scored(tmp_path: Path, clcap) -> None:
    predictions, references = (
        csv(tmp_path / "predictions.csv", CAPTIONS),
        jsonl(tmp_path / "references.jsonl", REFERENCES),
    )
    result = clcap("evaluate", "--predictions", predictions, "--references", references)
    assert result.status == 0, result.err
    assert result.out == f"{tmp_path}/predictions.metrics.json\n"
    content = json.loads((tmp_path / "predictions.metrics.json").read_text())
    assert {image["image_id"]: image["caption"] for image in content["images"]} == CAPTIONS
    assert [image["ROUGE_L"] for image in content["images"]] == pytest.approx([1, 0.35, 1], abs=0.1)
    one_a_row = tmp_path / "references.csv"
    rows = [f'{id},"{text}"' for id, texts in REFERENCES.items() for text in texts]
    one_a_row.write_text("image,caption\n" + "\n".join(rows) + "\n")
    clcap("evaluate", "--predictions", predictions, "--references", one_a_row, "--out", tmp_path / "again.json")
    again = json.loads((tmp_path / "again.json").read_text())
    assert again["metrics"] == content["metrics"]


def test_captions_h5_and_coco_files_can_be_references(chain: Path, clcap) -> None:
    annotations = json.loads((chain / "scenes" / "captions_test.json").read_text())["annotations"]
    predictions = csv(
        chain / "predictions.csv",
        {str(annotation["image_id"]): annotation["caption"] for annotation in annotations[::5]},
        id="id",
    )
    for references in (chain / "scenes" / "captions_test.json", chain / "captions.h5"):
        assert clcap("evaluate", "--predictions", predictions, "--references", references, *FAST).status == 0
        metrics = json.loads((chain / "predictions.metrics.json").read_text())["metrics"]
        assert metrics["ROUGE_L"] == pytest.approx(1)


def test_only_common_scores_images_with_both_and_reports(tmp_path: Path, clcap, error_of) -> None:
    references = jsonl(tmp_path / "references.jsonl", REFERENCES)
    predictions = csv(tmp_path / "predictions.csv", {"x/a.jpg": "a dog runs", "other": "a cat"})
    arguments = ["evaluate", "--predictions", predictions, "--references", references]
    assert error_of(*arguments) == (
        f"{predictions}: 1 of 2 captions are of images without references: other; 2 of 3 images with references have "
        "no caption: x/b.jpg, x/c.jpg; --only-common scores the 1 images that have both"
    )
    assert clcap(*arguments, "--only-common", *FAST).status == 0
    content = json.loads((tmp_path / "predictions.metrics.json").read_text())
    assert content["metrics"]["images"] == 1
    assert content["left_out"] == {"captions": 1, "images": 2}


def test_missing_columns_are_reported(tmp_path: Path, error_of, usage_error_of) -> None:
    references = jsonl(tmp_path / "references.jsonl", REFERENCES)
    table = tmp_path / "table.csv"
    table.write_text("name,caption\n7,a\n")
    assert error_of("evaluate", "--predictions", table, "--references", references) == (
        f"{table} has no column for the image, such as image_id, image or file_name; it has: name, caption; if it is "
        "one of these, name it with --columns image=NAME"
    )
    table.write_text("id,words\n7,a\n")
    assert error_of("evaluate", "--predictions", table, "--references", references) == (
        f"{table} has no column for captions, such as caption or text; it has: id, words; if it is one of these, name "
        "it with --columns caption=NAME"
    )
    assert error_of("evaluate", "--predictions", table) == ("--predictions needs --references; give both")
    assert error_of("evaluate", csv(table, CAPTIONS)) == (
        f"{table} does not record which captions it was created from; give the file with --captions, or references "
        "with --references"
    )
    assert "missing; give captions (*.json) or a checkpoint (*.pt), or use --predictions" in usage_error_of("evaluate")


@pytest.mark.parametrize(
    ("result", "people", "guess"),
    [
        (
            [391895],
            ["img_391895.jpg"],
            "(one file seems to have file names where the other has ids; give a file that has both)",
        ),
        (["7.jpg"], ["007.jpg"], "(the ids of one file have leading zeros; write them alike in both)"),
        ([1, 2], ["001", "002"], "(the ids of one file have leading zeros; write them alike in both)"),
        ([1, 2], [3, 4], "(the captions seem to be those of split 'val')"),
        ([1, 9], [3, 4], "3, 4"),
    ],
)
def test_the_likely_cause_of_a_mismatch_is_suggested(result: list, people: list, guess: str) -> None:
    message = describe_mismatch({id: id for id in result}, people, {"val": {1, 2}, "test": {3, 4}})
    assert message is not None and message.endswith(guess)
    assert describe_mismatch({id: id for id in people}, people, {}) is None


def test_every_score_has_a_full_signature(tmp_path: Path, clcap) -> None:
    predictions, references = (
        csv(tmp_path / "predictions.csv", CAPTIONS),
        jsonl(tmp_path / "references.jsonl", REFERENCES),
    )
    result = clcap("evaluate", "--predictions", predictions, "--references", references, *FAST)
    content = json.loads((tmp_path / "predictions.metrics.json").read_text())
    assert set(content["signatures"]) == {"ROUGE_L", "CIDEr"}
    signature = content["signatures"]["CIDEr"]
    for part in ("variant:CIDEr-D", "df:the references", "scale:0-10", "tok:PTB", "refs:1-2", "images:3", "split:all#"):
        assert part in signature
    assert "decoding:unknown" in signature and "precision:unknown" in signature
    short = signature[signature.index("|refs:") + 1 :].replace("|images:3", "")
    assert f"\nshared signature: {short}\n" in result.err
    for name, (low, high) in content["intervals"].items():
        assert low <= high, name
    assert set(content["metrics"]) - set(content["intervals"]) == {
        "images",
        "unique_captions",
        "vocabulary_used",
        "vocabulary_share_of_references",
    }


def test_a_checkpoint_is_scored_with_all_of_its_lineage(chain: Path, clcap) -> None:
    clcap("self-retrieve", chain / "nt.pt", "--device", "cpu")
    result = clcap("evaluate", chain / "nt.pt", "--retrieval", chain / "nt.retrieval.json", "--device", "cpu", *FAST)
    assert result.status == 0, result.err
    content = json.loads((chain / "nt.metrics.json").read_text())
    ranked = json.loads((chain / "nt.retrieval.json").read_text())
    assert {"novel_share", "words_top_100", "vocabulary_share_of_training", "CIDErBtw"} <= set(content["metrics"])
    assert "decoding:beam 3|precision:fp32" in content["signatures"]["CIDEr"]
    for name in ("R@1", "R@5", "median_rank", "mean_rank"):
        assert content["metrics"][name] == pytest.approx(ranked["metrics"][name])
    assert {card["role"] for card in content["made_from"]} >= {"checkpoint", "captions", "features", "retrieval"}


def test_the_number_of_references_can_be_limited(tmp_path: Path, clcap, error_of) -> None:
    two = {id: [*texts, "one more"][:2] for id, texts in REFERENCES.items()}
    predictions, references = csv(tmp_path / "predictions.csv", CAPTIONS), jsonl(tmp_path / "references.jsonl", two)
    arguments = ("evaluate", "--predictions", predictions, "--references", references, *FAST, "--references-per-image")
    assert clcap(*arguments, 1).status == 0
    assert "refs:c1" in json.loads((tmp_path / "predictions.metrics.json").read_text())["signatures"]["CIDEr"]
    assert error_of(*arguments, 3) == (
        "3 of 3 images have fewer than 3 references, which --references-per-image asks for: x/a.jpg, x/b.jpg, x/c.jpg"
    )


def test_document_frequencies_of_a_chosen_corpus_are_used(tmp_path: Path, clcap) -> None:
    predictions, references = (
        csv(tmp_path / "predictions.csv", CAPTIONS),
        jsonl(tmp_path / "references.jsonl", REFERENCES),
    )
    corpus = jsonl(tmp_path / "corpus.jsonl", {f"{at}": [f"thing {at}"] for at in range(50)})
    arguments = ("evaluate", "--predictions", predictions, "--references", references, *FAST)
    clcap(*arguments)
    own = json.loads((tmp_path / "predictions.metrics.json").read_text())
    clcap(*arguments, "--cider-df", corpus)
    other = json.loads((tmp_path / "predictions.metrics.json").read_text())
    assert "df:corpus.jsonl#" in other["signatures"]["CIDEr"] and "(50 images)" in other["signatures"]["CIDEr"]
    assert own["metrics"]["CIDEr"] != other["metrics"]["CIDEr"]
    assert own["metrics"]["ROUGE_L"] == other["metrics"]["ROUGE_L"]


def test_unknown_metrics_and_foreign_ranks_are_refused(chain: Path, error_of, usage_error_of, clcap) -> None:
    message = usage_error_of("evaluate", chain / "nt.pt", "--metrics", "BLEU,CIDER-X")
    assert message.startswith("error: --metrics: unknown metric 'CIDER-X'; did you mean CIDEr")
    there = (
        "choose from BLEU, METEOR, ROUGE_L, CIDEr, SPICE, SPIDEr, SBERT-sim, CLIPScore, RefCLIPScore, CLIP-retrieval, "
        "CHAIR; all other metrics are always computed"
    )
    assert f"--metrics: it names no metric; {there}" in usage_error_of("evaluate", chain / "nt.pt", "--metrics", ",")
    clcap("self-retrieve", chain / "aa.pt", "--beam", 1, "--device", "cpu")
    ranked = json.loads((chain / "aa.retrieval.json").read_text())
    ranked["images"][0]["caption"] = "something else"
    (chain / "aa.retrieval.json").write_text(json.dumps(ranked))
    message = error_of("evaluate", chain / "nt.pt", "--device", "cpu", "--retrieval", chain / "aa.retrieval.json")
    assert message.startswith(f"{chain}/aa.retrieval.json does not rank ")


def results(path: Path, first: int, count: int) -> Path:
    path.write_text(json.dumps([{"image_id": first + at, "caption": "a dog"} for at in range(count)]))
    return path


def test_a_submission_meets_the_rules_of_the_server(
    tmp_path: Path, clcap, error_of, usage_error_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    val, test = results(tmp_path / "my_run.json", 1, 40), results(tmp_path / "test.json", 100, 43)
    named, entries = tmp_path / "named.json", json.loads(test.read_text())
    names = [{**entry, "image_id": f"in/COCO_test2014_{entry['image_id']:012}.jpg"} for entry in entries]
    named.write_text(json.dumps(names))
    references = jsonl(tmp_path / "references.jsonl", {1: ["a dog runs"], 2: ["a dog"]})
    arguments = ("evaluate", val, "--references", references, "--only-common", *FAST, "--submission", tmp_path / "to")
    assert error_of(*arguments, "--test-predictions", test) == (
        f"{val} has captions for 40 images; val2014 has 40504, and the server requires all of them"
    )
    monkeypatch.setitem(IMAGE_COUNTS, "val2014", 40)
    assert error_of(*arguments, "--test-predictions", test) == (
        f"{test} has captions for 43 images; test2014 has 40775, and the server requires all of them"
    )
    monkeypatch.setitem(IMAGE_COUNTS, "test2014", 43)
    assert clcap(*arguments, "--test-predictions", named).status == 0
    written = sorted(path.name for path in (tmp_path / "to").iterdir())
    assert written == ["captions_test2014_my-run_results.json", "captions_val2014_my-run_results.json"]
    assert json.loads((tmp_path / "to" / written[1]).read_text()) == json.loads(val.read_text())
    assert json.loads((tmp_path / "to" / written[0]).read_text()) == entries
    assert "--submission: give --submission and --test-predictions together" in usage_error_of(*arguments)
    same = results(tmp_path / "same.json", 1, 43)
    assert error_of(*arguments, "--test-predictions", same) == (
        "val2014 and test2014 have no images in common, but these are in both files: 1, 2, 3, 4, 5, …"
    )
    named.write_text(json.dumps([*names, entries[0]]))
    assert error_of(*arguments, "--test-predictions", named) == (
        f"{named}: in/COCO_test2014_000000000100.jpg and 100 are both image 100; remove one of them"
    )


def test_a_table_is_scored_against_references_of_coco(tmp_path: Path, clcap) -> None:
    """References and captions are tables, without any COCO file."""
    from tests.conftest import real_data

    annotations = json.loads((real_data("coco-mini") / "annotations" / "captions_val2017.json").read_text())[
        "annotations"
    ]
    references = tmp_path / "references.jsonl"
    references.write_text(
        "".join(
            json.dumps({"image": annotation["image_id"], "caption": annotation["caption"]}) + "\n"
            for annotation in annotations
        )
    )
    predictions = csv(
        tmp_path / "predictions.csv",
        {str(annotation["image_id"]): "a man on a street" for annotation in annotations},
        id="image",
    )
    result = clcap("evaluate", "--predictions", predictions, "--references", references, *FAST)
    assert result.status == 0, result.err
    content = json.loads((tmp_path / "predictions.metrics.json").read_text())
    assert content["metrics"]["images"] == 79
    assert content["metrics"]["unique_captions"] == 1


def test_an_input_is_never_overwritten(tmp_path: Path, clcap, error_of) -> None:
    predictions, references = (
        csv(tmp_path / "predictions.csv", CAPTIONS),
        jsonl(tmp_path / "references.json", REFERENCES),
    )
    arguments = ("evaluate", "--predictions", predictions, "--references", references, *FAST)
    before = references.read_bytes()
    assert (
        error_of(*arguments, "--out", references)
        == f"{references} is an input of this command, so it cannot be overwritten; give another name"
    )
    assert clcap(*arguments).status == 0
    metrics = tmp_path / "predictions.metrics.json"
    assert error_of("compare", metrics, "--out", metrics) == (
        f"{metrics} exists and is a metrics file (*.metrics.json) of evaluate, so it is not replaced by a comparison "
        "of compare --out; give another name or delete the file"
    )
    assert references.read_bytes() == before


@pytest.mark.parametrize(
    ("captions", "references", "message"),
    [
        (
            "image_id,caption\n1,a dog, running\n",
            "id,caption\n1,a dog\n",
            "put captions that contain a comma in quotes",
        ),
        ("image_id,caption\n", "id,caption\n1,a dog\n", "contains no captions"),
    ],
)
def test_malformed_tables_are_refused(tmp_path: Path, error_of, captions: str, references: str, message: str) -> None:
    result, people = tmp_path / "result.csv", tmp_path / "references.csv"
    result.write_text(captions)
    people.write_text(references)
    assert error_of("evaluate", "--predictions", result, "--references", people, *FAST).endswith(message)


def test_unusual_texts_and_ids_are_scored_or_refused(tmp_path: Path, clcap, error_of) -> None:
    predictions, references = csv(tmp_path / "result.csv", {"1": "a dog", "2": "a cat"}), tmp_path / "a|tok:b.csv"
    csv(references, {"1": "a dog runs", "2": "a cat sits", "extra_3": "a bus"})
    arguments = ("evaluate", "--predictions", predictions, "--references", references, *FAST)
    assert clcap(*arguments, "--only-common", "--cider-df", references).status == 0
    broken = tmp_path / "broken.json"
    broken.write_text('[{"image_id": 1, "caption": "a \\ud800 dog"}]')
    assert error_of("evaluate", "--predictions", broken, "--references", references, *FAST) == (
        f"{broken}: the caption of image 1 contains a lone surrogate (half a character)"
    )
    alone = csv(tmp_path / "alone.csv", {"1": "a dog"})
    result = clcap("evaluate", "--predictions", alone, "--references", references, "--only-common", *FAST)
    assert result.status == 0 and "95%" not in result.err and "\n  ROUGE_L " in result.err
    assert json.loads((tmp_path / "alone.metrics.json").read_text())["intervals"] == {}


def test_errors_are_found_before_scoring(tmp_path: Path, clcap, error_of, usage_error_of) -> None:
    predictions, references = (
        csv(tmp_path / "predictions.csv", CAPTIONS),
        jsonl(tmp_path / "references.jsonl", REFERENCES),
    )
    arguments = ("evaluate", "--predictions", predictions, "--references", references)
    result = clcap(*arguments, "--features", tmp_path / "none.h5")
    assert result.status == 1 and "scoring" not in result.err
    assert error_of(*arguments, "--metrics", "SPICE", "--spice-models", tmp_path).startswith(
        "SPICE needs stanford-corenlp"
    )
    assert not (tmp_path / "predictions.metrics.json").exists()
    assert "--submission: give --submission and --test-predictions together" in usage_error_of(
        *arguments, "--test-predictions", predictions
    )
    assert error_of(*arguments, "--submission", tmp_path / "to", "--test-predictions", predictions) == (
        f"{predictions}: COCO's image ids are numbers or in file names such as COCO_test2014_000000000001.jpg, but "
        "these are not: x/a.jpg, x/b.jpg, x/c.jpg"
    )


def test_spider_is_missing_without_spice_but_cider_is_not(tmp_path: Path, clcap) -> None:
    predictions, references = (
        csv(tmp_path / "predictions.csv", CAPTIONS),
        jsonl(tmp_path / "references.jsonl", REFERENCES),
    )
    arguments = ("--predictions", predictions, "--references", references, "--spice-models", tmp_path)
    assert clcap("evaluate", *arguments, "--metrics", "SPIDEr").status == 0
    content = json.loads((tmp_path / "predictions.metrics.json").read_text())
    assert content["not_scored"]["SPICE"].startswith("SPICE needs stanford-corenlp")
    assert content["not_scored"]["SPIDEr"] == content["not_scored"]["SPICE"]
    assert {"SPICE", "SPIDEr"}.isdisjoint(content["metrics"]) and "CIDEr" in content["metrics"]


def test_the_absence_of_spice_takes_a_few_words(tmp_path: Path, clcap) -> None:
    predictions, references = (
        csv(tmp_path / "predictions.csv", CAPTIONS),
        jsonl(tmp_path / "references.jsonl", REFERENCES),
    )
    arguments = ("evaluate", "--predictions", predictions, "--references", references, "--spice-models", tmp_path)
    lines = clcap(*arguments).err.splitlines()
    assert "SPICE: models not found" in lines and not any("stanford" in line for line in lines)
    reason = json.loads((tmp_path / "predictions.metrics.json").read_text())["not_scored"]["SPICE"]
    assert f"SPICE is not scored: {reason}" in clcap("--verbose", *arguments).err
    assert f"warning: SPICE is not scored: {reason}" in clcap(*arguments, "--metrics", "CIDEr,SPICE").err


def test_decoding_options_need_a_checkpoint(chain: Path, usage_error_of) -> None:
    results = caption(chain / "nt.pt", device="cpu")
    for arguments in (["evaluate", results], ["self-retrieve", chain / "nt.pt", "--predictions", results]):
        assert "--beam: " in usage_error_of(*arguments, "--beam", 5)


def test_references_of_other_splits_are_not_used(tmp_path: Path, clcap, error_of) -> None:
    references, predictions = tmp_path / "r.csv", tmp_path / "p.csv"
    predictions.write_text("image,caption\n2.jpg,two dogs\n")
    arguments = ("evaluate", "--predictions", predictions, "--references", references, *FAST)
    references.write_text("image,caption,split\n1.jpg,a red tram,train\n2.jpg,two dogs,test\n2.jpg,dogs,test\n")
    result = clcap(*arguments)
    assert result.status == 0, result.err
    assert "used: 2 references of 1 image of split 'test'" in result.err
    assert "|split:test#" in json.loads((tmp_path / "p.metrics.json").read_text())["signatures"]["ROUGE_L"]
    assert "(the captions seem to be those of split 'test')" in error_of(*arguments, "--split", "train")
    wrong = error_of(*arguments, "--split", "val", "--only-common")
    assert wrong == f"{references} has no references of split 'val'; its splits are train, test"
    assert (
        error_of(*arguments, "--split", "tets") == f"{references} has no references of split 'tets'; did you mean test?"
    )
    references.write_text("image,caption,split\n2.jpg,a red tram,train\n")
    warning = f"warning: {references} has no references of split 'test'; those of train are used"
    assert warning in clcap(*arguments).err
    references.write_text("image,caption\n2.jpg,a red tram\n")
    warning = f"warning: {references} has no splits: all its references are used, not only those of 'val'"
    assert warning in clcap(*arguments, "--split", "val").err
    assert "has no splits" not in clcap(*arguments).err
    references.write_text("image,caption,split\n2.jpg,a red tram,train\n2.jpg,two dogs,test\n")
    assert "image 2.jpg is in two splits, train and test (row 1 " in error_of(*arguments)


def test_karpathy_files_are_references_of_one_split(tmp_path: Path, clcap) -> None:
    images = [
        {"filename": f"{split}.jpg", "cocoid": id, "split": split, "sentences": [{"raw": f"a {split} dog"}]}
        for id, split in enumerate(("train", "test"), 1)
    ]
    references, predictions = tmp_path / "dataset.json", tmp_path / "p.json"
    references.write_text(json.dumps({"images": images}))
    predictions.write_text(json.dumps([{"image_id": 2, "caption": "a test dog"}]))
    result = clcap("evaluate", "--predictions", predictions, "--references", references, *FAST)
    assert result.status == 0, result.err
    assert "scoring 1 captions against 1 references" in result.err


def test_second_captions_of_some_images_are_reported(tmp_path: Path, clcap) -> None:
    references, predictions = tmp_path / "r.json", tmp_path / "p.json"
    texts = [(1, "a dog"), (2, "a cat"), (3, "a bus"), (2, "a dog")]
    references.write_text(json.dumps([{"image_id": id, "caption": "a dog"} for id in (1, 2, 3)]))
    predictions.write_text(json.dumps([{"image_id": id, "caption": text} for id, text in texts]))
    result = clcap("evaluate", "--predictions", predictions, "--references", references, *FAST)
    assert result.status == 0, result.err
    assert "warning: 1 of 3 images has several captions, the others one: 2; " in result.err


def test_unicode_forms_of_a_name_are_one_image(tmp_path: Path, clcap) -> None:
    references, predictions = tmp_path / "r.csv", tmp_path / "p.csv"
    references.write_text("image,caption\ncaf\u00e9.jpg,a dog\ncafe\u0301.jpg,a cat\n", "utf-8")
    predictions.write_text("image,caption\ncafe\u0301.jpg,a dog\n", "utf-8")
    result = clcap("evaluate", "--predictions", predictions, "--references", references, *FAST)
    assert result.status == 0, result.err
    assert "scoring 1 captions against 2 references" in result.err


def test_leading_zeros_within_a_coco_file_are_named(tmp_path: Path, error_of) -> None:
    content = {"images": [{"id": "007"}], "annotations": [{"image_id": 7, "caption": "a dog"}]}
    (tmp_path / "r.json").write_text(json.dumps(content))
    predictions = csv(tmp_path / "p.csv", {"7": "a dog"})
    message = error_of("evaluate", "--predictions", predictions, "--references", tmp_path / "r.json")
    assert message.endswith("7; leading zeros differ; write the ids alike in both lists")
