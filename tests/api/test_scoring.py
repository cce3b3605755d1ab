"""``score`` and the evaluate stage give the same results for the same texts."""

import json
from pathlib import Path

import pandas as pd
import pytest

import clcap_cli as clcap

CANDIDATES = ["a black dog runs through the grass", "two people sit on a bench", "a red bus"]
REFERENCES = [
    ["a black dog is running through the green grass", "the dog runs in a field"],
    ["two people are sitting on a wooden bench", "a man and a woman on a bench"],
    ["a bus", "a double decker bus on the road"],
]
METRICS = {"metrics": ["CIDEr", "ROUGE_L", "BLEU"]}


def evaluate_files(folder: Path, candidates: dict, references: dict, **options: object) -> dict:
    """The metrics file that the evaluate stage writes for the same texts."""
    files = {"predictions": candidates, "references": references}
    for name, texts in files.items():
        lines = [json.dumps({"image_id": id, "caption": own}) for id, own in texts.items()]
        (folder / f"{name}.jsonl").write_text("\n".join(lines))
    paths = {name: folder / f"{name}.jsonl" for name in files}
    return json.loads(clcap.evaluate(**paths, out=folder / "m.json", **options).read_text())


def assert_same(score: clcap.Score, written: dict) -> None:
    assert written["metrics"].keys() == score.metrics.keys()
    for part in ("metrics", "intervals", "signatures", "images", "not_scored", "left_out"):
        assert json.loads(json.dumps(getattr(score, part))) == written[part]


@pytest.mark.parametrize("several", [False, True])
def test_scores_are_those_of_the_stage(tmp_path: Path, several: bool) -> None:
    candidates = [[text, "a dog"] for text in CANDIDATES] if several else CANDIDATES
    score = clcap.score(candidates, REFERENCES, seed=3, **METRICS)
    written = evaluate_files(
        tmp_path, dict(enumerate(candidates)), dict(enumerate(REFERENCES)), metrics="CIDEr,ROUGE_L,BLEU", seed=3
    )
    assert_same(score, written)
    assert "CIDEr_best_of_2" in score.metrics if several else score.metrics["images"] == 3


def test_texts_may_stand_under_image_ids(tmp_path: Path) -> None:
    ids = ["x", "y", "z"]
    candidates, references = dict(zip(ids, CANDIDATES, strict=True)), dict(zip(ids[:2], REFERENCES[:2], strict=True))
    with pytest.raises(clcap.ClcapError, match=r"^candidates: 1 of 3 captions are of images without references: z; "):
        clcap.score(candidates, references, **METRICS)
    options = {"only_common": True, "references_per_image": 1}
    score = clcap.score(candidates, references, **options, **METRICS)
    assert_same(score, evaluate_files(tmp_path, candidates, references, metrics="CIDEr,ROUGE_L,BLEU", **options))
    assert [image["image_id"] for image in score.images] == ids[:2]
    assert (score.left_out, score.images[0]["references"]) == ({"captions": 1, "images": 0}, [REFERENCES[0][0]])


def test_all_forms_of_the_same_texts_score_the_same() -> None:
    expected = clcap.score(CANDIDATES, REFERENCES, **METRICS).metrics
    frame = pd.DataFrame({"id": range(3), "text": CANDIDATES, "references": REFERENCES}).set_index("id")
    for candidates, references in (
        (frame["text"], frame["references"]),
        (frame["text"].to_dict(), frame["references"].to_dict()),
        (([text] for text in CANDIDATES), (tuple(texts) for texts in REFERENCES)),
    ):
        assert clcap.score(candidates, references, metrics="cider, rouge_l, bleu").metrics == expected
    single = [texts[0] for texts in REFERENCES]
    one = clcap.score(CANDIDATES, single, **METRICS).metrics
    assert one == clcap.score(CANDIDATES, REFERENCES, references_per_image=1, **METRICS).metrics != expected


def test_document_frequencies_of_other_captions(tmp_path: Path) -> None:
    corpus = [["a dog", "a black dog"], ["a bus on a road"], ["people on a bench"], ["grass"]]
    (tmp_path / "corpus.jsonl").write_text(
        "\n".join(json.dumps({"image_id": id, "caption": own}) for id, own in enumerate(corpus))
    )
    score = clcap.score(CANDIDATES, REFERENCES, metrics="CIDEr", cider_df=corpus)
    texts = dict(enumerate(CANDIDATES)), dict(enumerate(REFERENCES))
    written = evaluate_files(tmp_path, *texts, metrics="CIDEr", cider_df=tmp_path / "corpus.jsonl")
    assert score.metrics == written["metrics"] != clcap.score(CANDIDATES, REFERENCES, metrics="CIDEr").metrics
    assert "|df:given#" in score.signatures["CIDEr"] and "(4 images)" in score.signatures["CIDEr"]


def test_scores_are_shown_as_a_table() -> None:
    score = clcap.score(CANDIDATES, REFERENCES, metrics="ROUGE_L")
    lines = repr(score).splitlines()
    assert lines[0].split() == ["value", "95%", "interval"]
    low, high = score.intervals["ROUGE_L"]
    assert lines[1].split() == ["ROUGE_L", f"{score.metrics['ROUGE_L']:.4f}", f"[{low:.4f},", f"{high:.4f}]"]
    assert ["images", "3"] in [line.split() for line in lines]
    assert score._repr_html_().startswith("<table") and "ROUGE_L" in score._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), "candidates contains no captions"),
        ((["a dog\0"], [["a dog"]]), "candidates: the caption of image 0 contains a NUL character"),
        (({1: "a", "1": "b"}, [["a"]]), "candidates has image 1 twice, as a number and as text; give it once"),
        ((["a", "b"], [["a"]]), "candidates: 1 of 2 captions are of images without references: 1"),
        ((["a", "b"], [["a"], []]), "candidates: 1 of 2 captions are of images without references: 1"),
    ],
)
def test_texts_that_cannot_be_scored_are_named(arguments: tuple, message: str) -> None:
    with pytest.raises(clcap.ClcapError) as error:
        clcap.score(*arguments, **METRICS)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("a dog", ["a dog"]),
            "candidates must be a list with an entry for each image, or a dict by image id, not str",
        ),
        ((["a dog"], 3), "references must be a list with an entry for each image, or a dict by image id, not int"),
        ((["a dog"], [3]), "references of image 0 must be a str or a list of str, not int"),
        ((["a dog"], [["a", None]]), "references of image 0 must be a str or a list of str, not NoneType"),
        (({1.5: "a"}, {1: "a"}), "candidates: an image id must be an int or a str, not float"),
    ],
)
def test_what_is_no_text_is_a_type_error(arguments: tuple, message: str) -> None:
    with pytest.raises(TypeError) as error:
        clcap.score(*arguments)
    assert str(error.value) == message


def test_options_are_refused_as_on_the_command_line() -> None:
    with pytest.raises(clcap.InvalidValueError, match=r"^seed: must be greater than or equal to 0, not '-1'$"):
        clcap.score(CANDIDATES, REFERENCES, seed=-1)
    with pytest.raises(clcap.InvalidValueError, match=r"^metrics: unknown metric 'CIDR'; did you mean CIDEr"):
        clcap.score(CANDIDATES, REFERENCES, metrics=["CIDR"])
    with pytest.raises(clcap.ClcapError, match="have fewer than 3 references"):
        clcap.score(CANDIDATES, REFERENCES, references_per_image=3, **METRICS)


def test_ids_of_other_types_and_file_names_are_matched() -> None:
    score = clcap.score({"7": "a dog", "photos/x.jpg": "a cat"}, {7: "a dog", "x.jpg": "a cat"}, metrics="ROUGE_L")
    assert score.metrics["ROUGE_L"] == 1
    assert [image["image_id"] for image in score.images] == [7, "x.jpg"]
