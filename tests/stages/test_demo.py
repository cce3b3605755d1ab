"""The demo ends with a table that explains itself and with captions that changed."""

from clcap_cli.stages.demo import largest_gains, result_lines


def result(rank: float, unique: int, ranks: list[tuple[str, float]]) -> dict:
    images = [{"image_id": id, "caption": caption, "rank": r} for id, (caption, r) in enumerate(ranks)]
    metrics = {"R@1": 0.0675, "mean_rank": rank, "CIDEr": 1.1824, "unique_captions": unique, "images": len(images)}
    return {**metrics, "chance": {"R@1": 0.2, "mean_rank": 3.0}, "ranked": images}


MLE = result(23.16, 23, [(f"shape {n}", 10.0 * n) for n in range(6)])
CL = result(6.25, 131, [(f"ring {n}", 1.5) for n in range(6)])


def test_the_table_explains_its_columns() -> None:
    assert result_lines({"MLE": MLE, "CL": CL}) == [
        "       R@1  mean rank  CIDEr  unique captions",
        "MLE  0.068      23.16  1.182               23",
        "CL   0.068       6.25  1.182              131",
        "R@1: share of captions that rank their own image first; 0.200 by chance",
        "mean rank: mean rank of the caption's own image among 6 images; 3.0 by chance",
        "CIDEr: agreement with the references, from 0 to 10",
    ]


def test_the_largest_gains_come_first() -> None:
    lines = largest_gains(MLE, CL)
    assert len(lines) == 1 + 3 * 4
    assert lines[1:4] == ["  image 5: rank 50 -> 1.5", "    MLE  shape 5", "    CL   ring 5"]
    assert [line.split(":")[0] for line in lines[1::3]] == [f"  image {n}" for n in (5, 4, 3, 2)]
