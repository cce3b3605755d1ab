"""The demo ends with examples and a table that explain themselves."""

from collections.abc import Sequence

from clcap_cli.stages.demo import examples, result_lines


def retrieval(recall: float, ranks: Sequence[tuple[str, float]] = ()) -> dict:
    images = [{"image_id": id, "caption": caption, "rank": rank} for id, (caption, rank) in enumerate(ranks)]
    return {"metrics": {"R@1": recall, "images": 200}, "chance": {"R@1": 0.005}, "images": images}


def test_the_table_explains_its_columns() -> None:
    ranked = {
        (row, by): retrieval((number + 1) / 10)
        for number, (row, by) in enumerate((row, by) for row in ("MLE", "CL", "human") for by in ("MLE", "CL"))
    }
    scores = {row: {"CIDEr": 1.1824, "unique_captions": 23} for row in ("MLE", "CL", "human")}
    assert result_lines(ranked, scores) == [
        "captions of  R@1 by MLE  R@1 by CL  CIDEr  unique captions",
        "MLE              0.100*     0.200   1.182               23",
        "CL               0.300      0.400*  1.182               23",
        "human            0.500      0.600   1.182               23",
        "R@1: share of captions whose own image ranks first of 200; 0.005 by chance",
        "*: ranked by the model that wrote the captions, which tends to favour them",
        "CIDEr: agreement with the references, from 0 to 10; human: a reference left out",
    ]


def test_the_largest_gains_come_first() -> None:
    before = retrieval(0.1, [("two shapes", 10.0 * n) for n in range(6)])
    after = retrieval(0.2, [(f"a ring and a star{n}", 1.5) for n in range(6)])
    lines = examples(before, after, {n: f"a red ring and a blue star{n}" for n in range(6)})
    assert lines[1:4] == [
        "image 5: a red ring and a blue star5",
        "  MLE  two shapes (6 images, rank 50)",
        "  CL   a ring and a star5 (1 image, rank 1.5)",
    ]
    assert [line.split(":")[0] for line in lines[1:13:3]] == [f"image {n}" for n in (5, 4, 3, 2)]


def test_captions_that_repeat_words_are_no_examples() -> None:
    repeated = ["a drawing of a ring and a ring", "an orange star and an orange star on a white background"]
    fluent = ["a red ring and a ring", "a ring and a star"]
    before = retrieval(0.1, [("two shapes", 9.0)] * 4)
    after = retrieval(0.2, [(text, 1.0) for text in [*repeated, *fluent]])
    lines = examples(before, after, dict.fromkeys(range(4), "a reference"))
    assert lines[3:7:3] == [f"  CL   {text} (1 image, rank 1)" for text in fluent]
    assert len(lines) == 1 + 2 * 3 + 2


def test_the_examples_have_different_captions() -> None:
    before = retrieval(0.1, [("two shapes", 10.0 * n) for n in range(4)])
    after = retrieval(0.2, [(text, 1.0) for text in ("a star", "a ring", "a cross", "a cross")])
    lines = examples(before, after, dict.fromkeys(range(4), "a reference"))
    assert [line.split(":")[0] for line in lines[1:10:3]] == ["image 3", "image 1", "image 0"]
