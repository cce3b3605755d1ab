"""self-retrieve --distractors: captions of one split are ranked among the images of two."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from clcap_cli.artifacts.features import open_features
from clcap_cli.evaluation.runs import open_runs
from clcap_cli.retrieval.nearest_images import nearest_images
from clcap_cli.retrieval.ranks import rank
from tests.conftest import CommandResult

Clcap = Callable[..., CommandResult]
ALL, OWN = 34, 10
"""Images of the splits train and test, and those of test."""


@pytest.fixture
def words(chain: Path) -> tuple[object, ...]:
    """The command line for given captions of the images of test, and of one image of train, ranked by nt.pt."""
    texts = ["a circle", "a red circle", "a square and a star", "two stars", "a circle"]
    rows = [f"{id},{texts[id % 5]}\n" for id in (*range(33, 43), 1)]
    (chain / "mine.csv").write_text("image_id,caption\n" + "".join(rows))
    return "self-retrieve", chain / "nt.pt", "--predictions", chain / "mine.csv"


def ranked(folder: Path) -> dict:
    return json.loads((folder / "mine.by_nt.retrieval.json").read_text())


def scores(path: Path) -> tuple[torch.Tensor, list[int]]:
    """ln p of every caption (row) with every image (column), and the images' ids."""
    with h5py.File(path) as file:
        return torch.from_numpy(file["log_prob"][:]), file["id"][:].tolist()


def test_ranks_are_those_of_the_full_matrix(chain: Path, clcap: Clcap, words: tuple) -> None:
    result = clcap(*words, "--distractors", "train", "--full-matrix", chain / "all.h5")
    assert "nt ranks the captions of mine among 34 images, 24 of them distractors of split train\n" in result.err
    assert "1 of 11 captions are of other images and are not used\n" in result.err
    table, ids = scores(chain / "all.h5")
    assert table.shape == (OWN, ALL) and ids == [*range(33, 43), *range(1, 25)]
    found, expected = ranked(chain), rank(table, torch.arange(OWN))
    assert [one["image_id"] for one in found["images"]] == ids[:OWN]
    assert [one["rank"] for one in found["images"]] == expected.expected.tolist()
    assert [one["tied"] for one in found["images"]] == expected.tied.tolist()
    for row, image in zip(table, found["images"], strict=True):
        assert [best["log_prob"] for best in image["best"]] == pytest.approx(row.topk(5).values.tolist(), abs=1e-4)
        assert image["pool_size"] == ALL
    assert found["chance"]["R@10"] == OWN / ALL and found["metrics"]["images"] == OWN
    assert found["distractors"] == {"split": "train", "images": ALL - OWN}
    assert found["signatures"]["R@1"].startswith("pool:34, 24 distractors of train#")


def test_similar_images_are_those_of_both_splits(chain: Path, clcap: Clcap, words: tuple) -> None:
    options = ("--distractors", "train", "--pool", "similar:20", "--full-matrix", chain / "all.h5")
    result = clcap(*words, *options)
    both = "the most similar of all 34 images, 24 of them distractors of split train\n"
    assert f"each pool of 20 images has a caption's own image and {both}" in result.err
    table, ids = scores(chain / "all.h5")
    features = open_features(chain / "features.h5")
    nearest = nearest_images(features.pooled_at(features.rows_of(ids)), 19)[:OWN]
    pools = torch.from_numpy(np.column_stack([np.arange(OWN), nearest])).long()
    expected = rank(table.gather(1, pools), torch.zeros(OWN, dtype=torch.int64))
    assert [one["rank"] for one in ranked(chain)["images"]] == expected.expected.tolist()
    assert ", 24 distractors of train#" in ranked(chain)["signatures"]["R@1"]


def test_ranks_among_distractors_are_not_compared_with_others(chain: Path, clcap: Clcap, words: tuple) -> None:
    assert clcap(*words, "--out", chain / "alone.retrieval.json").status == 0
    assert clcap(*words, "--distractors", "train", "--out", chain / "among.retrieval.json").status == 0
    files = (chain / "alone.retrieval.json", chain / "among.retrieval.json")
    different = "R@1, R@5, median_rank, mean_rank: pool 10 and 34, 24 distractors of train#"
    assert different in clcap("compare", *files).out
    assert [run.pool for run in open_runs(files)] == [OWN, ALL]


def test_intervals_are_on_the_scale_of_the_pool(chain: Path, clcap: Clcap, words: tuple) -> None:
    assert clcap(*words, "--distractors", "train").status == 0
    (low, high), value = ranked(chain)["intervals"]["mean_rank"], ranked(chain)["metrics"]["mean_rank"]
    assert value > OWN and 1 <= low < value < high <= ALL


def test_evaluate_keeps_the_pool(chain: Path, clcap: Clcap, words: tuple) -> None:
    assert clcap(*words, "--distractors", "train").status == 0
    scored = ("--retrieval", chain / "mine.by_nt.retrieval.json", "--metrics", "ROUGE_L", "--split", "test")
    table = chain / "mine.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    options = ("--references", chain / "captions.h5", "--out", chain / "mine.metrics.json")
    result = clcap("evaluate", table, *options, *scored)
    assert result.status == 0, result.err
    metrics = json.loads((chain / "mine.metrics.json").read_text())
    assert metrics["metrics"]["R@10"] == pytest.approx(ranked(chain)["metrics"]["R@10"])
    assert metrics["intervals"]["mean_rank"] == pytest.approx(ranked(chain)["intervals"]["mean_rank"])
    assert metrics["signatures"]["R@1"].startswith("pool:34, 24 distractors of train#")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--distractors", "test"), "--distractors: all images of split 'test' are ranked already"),
        (
            ("--distractors", "val", "--pool", 5),
            "--pool: with --distractors, the pool is the whole of both splits; give similar:NUMBER or omit --pool",
        ),
    ],
)
def test_a_pool_that_cannot_be_is_refused(usage_error_of: Callable[..., str], options: tuple, problem: str) -> None:
    message = usage_error_of("self-retrieve", "none.pt", *options)
    assert message == f"error: {problem} (see clcap self-retrieve --help)"


def test_splits_without_enough_images_are_named(shared_chain: Path, error_of: Callable[..., str]) -> None:
    words = ("self-retrieve", shared_chain / "nt.pt", "--distractors")
    missing = error_of(*words, "extra")
    assert missing == f"{shared_chain}/captions.h5 has no images in split 'extra'; it has: train 24, val 8, test 10"
    too_many = error_of(*words, "val", "--pool", "similar:19")
    assert too_many == "--pool similar:19 is more than the 18 images of splits 'test' and 'val'"
