"""self-retrieve: who ranks, among which images, and what is stored of each caption."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from clcap_cli.artifacts.features import open_features
from clcap_cli.errors import ClcapError
from clcap_cli.retrieval.nearest_images import nearest_images
from clcap_cli.retrieval.ranks import rank


def ranked(path: Path) -> dict:
    return json.loads(path.read_text())


def values(path: Path) -> list[tuple]:
    """Caption, rank and best images of every image."""
    images = ranked(path)["images"]
    return [(one["caption"], one["rank"], [best["image_id"] for best in one["best"]]) for one in images]


def test_a_model_ranks_its_own_captions_as_any_ranker_would(chain: Path, clcap) -> None:
    assert clcap("self-retrieve", chain / "aa.pt", "--out", chain / "own.json").status == 0
    ranker = ("--ranker", chain / "aa.pt", "--out", chain / "ranker.json")
    assert clcap("self-retrieve", chain / "aa.pt", *ranker).status == 0
    assert values(chain / "own.json") == values(chain / "ranker.json")
    assert "|ranker:own model|" in ranked(chain / "ranker.json")["signatures"]["R@1"]


def test_another_model_ranks_the_captions(chain: Path, clcap) -> None:
    results = clcap("caption", chain / "nt_cl.pt").out.strip()
    result = clcap("self-retrieve", chain / "nt_cl.pt", "--ranker", chain / "nt.pt")
    assert result.out == f"{chain}/nt_cl.by_nt.retrieval.json\n"
    assert "nt ranks the captions of nt_cl among 10 images\n" in result.err
    crossed = ranked(chain / "nt_cl.by_nt.retrieval.json")
    assert crossed["ranking"]["captions"]["name"] == "nt_cl" and crossed["ranking"]["ranker"]["name"] == "nt"
    id = crossed["ranking"]["ranker"]["id"]
    assert crossed["signatures"]["R@1"].startswith(f"pool:10|ranker:nt#{id[:8]}|split:test#")
    assert crossed["metrics"].keys() == crossed["signatures"].keys() | {"images", "unique_captions", "tied_captions"}
    given = ("--predictions", results, "--out", chain / "given.json")
    for words in ((chain / "nt_cl.pt", "--ranker", chain / "nt.pt"), (chain / "nt.pt",)):
        assert clcap("self-retrieve", *words, *given).status == 0
        assert values(chain / "given.json") == values(chain / "nt_cl.by_nt.retrieval.json")
        assert ranked(chain / "given.json")["ranking"] == crossed["ranking"]


def test_the_ranker_may_have_another_model_and_vocabulary(chain: Path, clcap) -> None:
    files = [
        word for split in ("train", "val", "test") for word in (f"--{split}", chain / f"scenes/captions_{split}.json")
    ]
    assert clcap("prepare-captions", *files, "--out", chain / "few.h5", "--min-count", 40).status == 0
    size = ("--hidden", 16, "--embedding", 16, "--epochs", 1, "--out", chain / "few.pt")
    assert clcap("train-mle", chain / "few.h5", chain / "features.h5", *size).status == 0
    table = chain / "mine.csv"
    rows = [f"{id},a zebra and a triangle\n" for id in range(33, 43)]
    table.write_text("image_id,caption\n" + "".join(rows))
    options = ("--ranker", chain / "few.pt", "--predictions", table)
    result = clcap("self-retrieve", chain / "nt.pt", *options)
    assert result.out == f"{chain}/mine.by_few.retrieval.json\n"
    assert " words are not in the model's vocabulary and count as the unknown token\n" in result.err
    assert all(one["rank"] >= 1 for one in ranked(chain / "mine.by_few.retrieval.json")["images"])


def test_the_best_images_are_those_of_the_full_matrix(chain: Path, clcap) -> None:
    assert clcap("self-retrieve", chain / "aa.pt", "--full-matrix", chain / "all.h5").status == 0
    with h5py.File(chain / "all.h5") as file:
        table, ids = file["log_prob"][:], file["id"][:].tolist()
    for row, image in zip(table, ranked(chain / "aa.retrieval.json")["images"], strict=True):
        best = image["best"]
        assert len({one["image_id"] for one in best}) == 5
        assert [one["log_prob"] for one in best] == pytest.approx(np.sort(row)[::-1][:5].tolist(), abs=1e-4)
        assert [row[ids.index(one["image_id"])] for one in best] == pytest.approx([one["log_prob"] for one in best])


def test_similar_pools_rank_each_image_among_its_nearest(chain: Path, clcap) -> None:
    options = ("--pool", "similar:4", "--full-matrix", chain / "all.h5")
    result = clcap("self-retrieve", chain / "aa.pt", *options)
    assert "aa ranks its own captions among 4 images\n" in result.err
    pool = "each pool of 4 images has a caption's own image and the most similar of all 10 images\n"
    assert pool in result.err
    found = ranked(chain / "aa.retrieval.json")
    features = open_features(chain / "features.h5")
    assert found["chance"] == {"R@1": 0.25, "median_rank": 2.5, "mean_rank": 2.5}
    digest = features.provenance.id[:8]
    assert found["signatures"]["R@1"].startswith(f"pool:similar 4 of 10, features {digest}|ranker:own model|")
    with h5py.File(chain / "all.h5") as file:
        table, ids = torch.from_numpy(file["log_prob"][:]), file["id"][:].tolist()
    nearest = nearest_images(features.pooled_at(features.rows_of(ids)), 3)
    pools = torch.from_numpy(np.column_stack([np.arange(10), nearest])).long()
    expected = rank(table.gather(1, pools), torch.zeros(10, dtype=torch.int64))
    assert [one["rank"] for one in found["images"]] == expected.expected.tolist()
    assert {one["pool_size"] for one in found["images"]} == {4}
    assert all(len(one["best"]) == 4 for one in found["images"])


def test_evaluate_keeps_pool_and_ranker_of_the_ranks(chain: Path, clcap) -> None:
    options = ("--ranker", chain / "nt.pt", "--pool", "similar:4")
    assert clcap("self-retrieve", chain / "nt_cl.pt", *options).status == 0
    retrieval = chain / "nt_cl.by_nt.retrieval.json"
    scored = ("--retrieval", retrieval, "--metrics", "ROUGE_L", "--out", chain / "nt_cl.metrics.json")
    assert clcap("evaluate", chain / "nt_cl.pt", *scored).status == 0
    metrics = ranked(chain / "nt_cl.metrics.json")
    assert metrics["signatures"]["R@1"].startswith("pool:similar 4 of 10, features ")
    assert {name: metrics["metrics"].get(name) for name in ("R@1", "mean_rank", "R@5")} == {
        **{name: ranked(retrieval)["metrics"][name] for name in ("R@1", "mean_rank")},
        "R@5": None,
    }
    own = ("--metrics", "ROUGE_L", "--retrieval", clcap("self-retrieve", chain / "nt.pt").out.strip())
    assert clcap("evaluate", chain / "nt.pt", *own).status == 0
    compared = clcap("compare", chain / "nt.metrics.json", chain / "nt_cl.metrics.json").out
    assert "not comparable, because evaluated differently:" in compared
    assert "R@1, median_rank, mean_rank: pool 10 and similar 4 of 10" in compared and "R@1: ranker" not in compared


@pytest.mark.parametrize("value", ["1", "0", "-3", "similar:1", "similar:x", "similar:", "sIMILAR", "1.5", "", "²"])
def test_an_invalid_pool_is_refused(usage_error_of, shared_chain: Path, value: str) -> None:
    message = usage_error_of("self-retrieve", shared_chain / "nt.pt", f"--pool={value}")
    assert message.startswith("error: --pool: ")


def test_a_pool_of_more_similar_images_than_there_are(error_of, shared_chain: Path) -> None:
    assert error_of("self-retrieve", shared_chain / "nt.pt", "--pool", "similar:11") == (
        "--pool similar:11 is more than the 10 images of split 'test'"
    )


def test_options_of_the_ranker_need_a_ranker(usage_error_of, shared_chain: Path) -> None:
    features = ("--ranker-features", shared_chain / "features.h5")
    assert "it belongs to --ranker, which is not given" in usage_error_of(
        "self-retrieve", shared_chain / "nt.pt", *features
    )


def test_a_ranker_without_features_of_the_images_is_refused(chain: Path, error_of, clcap) -> None:
    files = ("--train", chain / "scenes/captions_train.json", "--val", chain / "scenes/captions_val.json")
    assert clcap("prepare-captions", *files, "--out", chain / "part.h5", "--min-count", 2).status == 0
    images = ("--images", chain / "scenes/images", "--image-size", 64, "--out", chain / "part_features.h5")
    assert clcap("extract-features", chain / "part.h5", *images).status == 0
    size = ("--hidden", 16, "--embedding", 16, "--epochs", 1, "--out", chain / "part.pt")
    assert clcap("train-mle", chain / "part.h5", chain / "part_features.h5", *size).status == 0
    message = error_of("self-retrieve", chain / "nt.pt", "--ranker", chain / "part.pt")
    assert message == (
        f"{chain}/part_features.h5, the features of {chain}/part.pt, lacks 10 of 10 images of the split (the first: "
        f"33); give features of the images of {chain}/captions.h5 from the backbone of {chain}/part.pt with "
        f"--ranker-features, such as {chain}/features.h5"
    )
    message = error_of("self-retrieve", chain / "nt.pt", "--features", chain / "part_features.h5")
    assert message.endswith(f"from the backbone of {chain}/nt.pt with --features, such as {chain}/features.h5")
    given = ("--ranker-features", chain / "features.h5")
    assert clcap("self-retrieve", chain / "nt.pt", "--ranker", chain / "part.pt", *given).status == 0
    trained_on = clcap("self-retrieve", chain / "nt.pt", "--ranker", chain / "part.pt", *given, "--split", "train")
    assert "part.pt was trained on 24 of the 24 images that it ranks" in trained_on.err


def test_features_of_other_images_name_option_and_file(chain: Path, error_of, clcap) -> None:
    """The given features have the same ids for the images of another dataset."""
    shutil.copy(chain / "features.h5", chain / "others.h5")
    with h5py.File(chain / "others.h5", "a") as file:
        file["names"][:] = [f"other/{name.decode()}".replace("0_", "1_") for name in file["names"][:]]
    others, features = chain / "others.h5", chain / "features.h5"
    different = f"{others} and {chain}/captions.h5 have different images: "
    given = ("--ranker", chain / "aa.pt", "--ranker-features", others)
    (chain / "some.csv").write_text("image_id,caption\n33,a circle\n")
    for words in (given, (*given, "--predictions", chain / "some.csv")):
        message = error_of("self-retrieve", chain / "nt.pt", *words)
        assert message.startswith(different)
        assert message.endswith(f"from the backbone of {chain}/aa.pt with --ranker-features, such as {features}")
    message = error_of("self-retrieve", chain / "nt.pt", "--features", others)
    assert message.startswith(different)
    assert message.endswith(f"from the backbone of {chain}/nt.pt with --features, such as {features}")


def test_images_without_a_given_caption_can_be_left_out(chain: Path, clcap, error_of) -> None:
    (chain / "some.csv").write_text("image_id,caption\n33,a circle\n35,a square\n")
    words = ("self-retrieve", chain / "nt.pt", "--predictions", chain / "some.csv")
    assert error_of(*words).endswith(
        "some.csv has no caption for 8 of the 10 images in the pool (the first: 34); give captions of the same split, "
        "or leave these images out with --only-common"
    )
    result = clcap(*words, "--only-common")
    assert "left out: 8 of 10 images of the split, which have no caption\n" in result.err
    found = ranked(chain / "some.by_nt.retrieval.json")
    assert [one["image_id"] for one in found["images"]] == [33, 35] and found["metrics"]["images"] == 2
    (chain / "one.csv").write_text("image_id,caption\n33,a circle\n")
    assert error_of(*words[:-1], chain / "one.csv", "--only-common").endswith("two are needed")


def test_only_common_needs_given_captions(usage_error_of, shared_chain: Path) -> None:
    message = usage_error_of("self-retrieve", shared_chain / "nt.pt", "--only-common")
    assert message.startswith("error: --only-common: it belongs to --predictions, which is not given")


def test_ranks_are_kept_until_the_results_are_written(chain: Path, clcap, error_of, monkeypatch) -> None:
    monkeypatch.setattr("clcap_cli.retrieval.kept.SECONDS_BETWEEN_FILES", 0.0)

    def full_disk(*_: object, **__: object) -> None:
        raise ClcapError("the disk is full")

    command, kept = ("self-retrieve", chain / "nt.pt", "--out", chain / "x.json"), chain / "x.partial-00001.pt"
    with monkeypatch.context() as failing:
        failing.setattr("clcap_cli.artifacts.results.write_results", full_disk)
        assert error_of(*command) == "the disk is full"
    assert kept.exists() and not (chain / "x.json").exists()
    assert f"{kept} has ranks of an interrupted run; continue it with --resume" in error_of(*command)
    assert clcap(*command, "--resume").status == 0
    assert clcap("self-retrieve", chain / "nt.pt", "--out", chain / "y.json").status == 0
    assert values(chain / "x.json") == values(chain / "y.json")
    assert not kept.exists()
