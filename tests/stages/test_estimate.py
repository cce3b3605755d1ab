"""self-retrieve --estimate: a sample of the captions is ranked, and no later stage takes its values for exact ones."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CommandResult

Clcap = Callable[..., CommandResult]
CAPTIONS, SAMPLE = 10, 4
"""Images of the split test, and captions that are ranked."""


def content(path: Path) -> dict:
    return json.loads(path.read_text())


def test_sampled_captions_have_the_ranks_of_the_whole_pool(chain: Path, clcap: Clcap) -> None:
    assert clcap("self-retrieve", chain / "aa.pt", "--out", chain / "all.json").status == 0
    result = clcap("self-retrieve", chain / "aa.pt", "--estimate", SAMPLE, "--out", chain / "some.json")
    assert "aa ranks its own captions among 10 images\nestimated from 4 of 10 captions, drawn at random" in result.err
    exact, found = content(chain / "all.json"), content(chain / "some.json")
    by_id = {image["image_id"]: image for image in exact["images"]}
    for image in found["images"]:
        own = by_id[image["image_id"]]
        assert [image[name] for name in ("caption", "rank", "tied", "pool_size")] == [
            own[name] for name in ("caption", "rank", "tied", "pool_size")
        ]
        assert [one["image_id"] for one in image["best"]] == [one["image_id"] for one in own["best"]]
    assert len(found["images"]) == SAMPLE and found["chance"] == exact["chance"]
    assert (found["estimate"]["captions"], found["estimate"]["of"]) == (SAMPLE, CAPTIONS)
    assert found["estimate"]["intervals"].keys() == found["intervals"].keys()
    for name, (low, high) in found["estimate"]["intervals"].items():
        assert low <= found["metrics"][name] <= high and low <= exact["metrics"][name] <= high


def test_the_sample_depends_on_the_seed_only(chain: Path, clcap: Clcap) -> None:
    samples = []
    for name, seed in (("aa", 0), ("nt", 0), ("nt", 1)):
        assert clcap("self-retrieve", chain / f"{name}.pt", "--estimate", SAMPLE, "--seed", seed).status == 0
        samples.append([image["image_id"] for image in content(chain / f"{name}.retrieval.json")["images"]])
    assert samples[0] == samples[1] != samples[2]


def test_distractors_and_similar_images_are_in_the_pool_too(chain: Path, clcap: Clcap) -> None:
    words = ("self-retrieve", chain / "nt.pt", "--distractors", "train", "--estimate", SAMPLE)
    result = clcap(*words)
    assert "nt ranks its own captions among 34 images, 24 of them distractors of split train\n" in result.err
    pool = content(chain / "nt.retrieval.json")["signatures"]["R@1"].partition("|")[0]
    assert pool.startswith("pool:34, 24 distractors of train#")
    assert pool.endswith(", estimated from 4 of 10 captions")
    assert clcap(*words, "--pool", "similar:20").status == 0
    found = content(chain / "nt.retrieval.json")
    assert [image["pool_size"] for image in found["images"]] == [20] * SAMPLE


def test_estimates_are_compared_with_each_other_only(chain: Path, clcap: Clcap) -> None:
    for name in ("aa", "nt"):
        assert clcap("self-retrieve", chain / f"{name}.pt", "--estimate", SAMPLE).status == 0
    files = (chain / "aa.retrieval.json", chain / "nt.retrieval.json")
    compared = clcap("compare", *files)
    assert "aa: R@k and the ranks are estimated from 4 of 10 captions.\n" in compared.err
    assert "nt against aa: 4 images" in compared.out and "not comparable" not in compared.out
    assert clcap("self-retrieve", chain / "nt.pt").status == 0
    different = "R@1, R@5, median_rank, mean_rank: pool 10, estimated from 4 of 10 captions and 10"
    assert different in clcap("compare", *files).out


def test_reports_name_estimates(chain: Path, clcap: Clcap) -> None:
    assert clcap("self-retrieve", chain / "nt.pt", "--estimate", SAMPLE).status == 0
    retrieval = chain / "nt.retrieval.json"
    report = clcap("report", retrieval, "--out", chain / "report.html", "--latex", chain / "table.tex")
    assert "nt: R@k and the ranks are estimated from 4 of 10 captions." in report.err
    assert "ranks estimated from 4 of 10 captions" in (chain / "table.tex").read_text()
    assert "estimated from 4 of 10 captions" in (chain / "report.html").read_text()
    assert "estimated from 4 of 10 captions\n" in clcap("show", retrieval).out


def test_evaluate_refuses_an_estimate(chain: Path, clcap: Clcap, error_of: Callable[..., str]) -> None:
    assert clcap("self-retrieve", chain / "nt.pt", "--estimate", SAMPLE).status == 0
    retrieval = chain / "nt.retrieval.json"
    assert error_of("evaluate", chain / "nt.pt", "--retrieval", retrieval, "--metrics", "ROUGE_L") == (
        f"{retrieval} is an estimate from 4 of 10 captions, so it has no rank of the others; run self-retrieve without "
        "--estimate, or omit --retrieval"
    )


@pytest.mark.parametrize("count", [CAPTIONS, 2000])
def test_a_sample_that_is_no_sample_is_refused(error_of: Callable[..., str], shared_chain: Path, count: int) -> None:
    assert error_of("self-retrieve", shared_chain / "nt.pt", "--estimate", count) == (
        f"--estimate {count} is not less than the 10 captions; omit it for exact values"
    )


def test_one_caption_is_no_estimate(usage_error_of: Callable[..., str], shared_chain: Path) -> None:
    assert usage_error_of("self-retrieve", shared_chain / "nt.pt", "--estimate", 1).startswith("error: --estimate: ")
