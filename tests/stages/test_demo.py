"""The demo ends with a table that explains itself and with captions that changed."""

from collections.abc import Sequence

from clcap_cli.stages.demo import largest_gains, result_lines


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
    before = retrieval(0.1, [(f"shape {n}", 10.0 * n) for n in range(6)])
    lines = largest_gains(before, retrieval(0.2, [(f"ring {n}", 1.5) for n in range(6)]))
    assert len(lines) == 1 + 3 * 4
    assert lines[1:4] == ["  image 5: rank 50 -> 1.5", "    MLE  shape 5", "    CL   ring 5"]
    assert [line.split(":")[0] for line in lines[1::3]] == [f"  image {n}" for n in (5, 4, 3, 2)]
