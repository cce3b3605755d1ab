"""Self-retrieval from Python and the stage give the same results for the same images."""

import json
from pathlib import Path

import pytest
from PIL import Image

import clcap_cli as clcap


@pytest.fixture(scope="module")
def written(shared_chain: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    out = tmp_path_factory.mktemp("retrieval") / "r.json"
    clcap.self_retrieve(shared_chain / "aa.pt", temperature=1.0, seed=5, out=out, device="cpu")
    return json.loads(out.read_text())


@pytest.fixture(scope="module")
def pictures(shared_chain: Path, written: dict) -> list[Path]:
    return [shared_chain / "scenes" / "images" / f"0_{image['image_id']:06d}.png" for image in written["images"]]


@pytest.fixture(scope="module")
def captioner(shared_chain: Path) -> clcap.LoadedCaptioner:
    return clcap.load(shared_chain / "aa.pt", device="cpu")


def test_given_captions_have_the_ranks_of_the_stage(captioner, written: dict, pictures: list[Path]) -> None:
    retrieval = captioner.self_retrieve(pictures, [image["caption"] for image in written["images"]], seed=5)
    assert retrieval.metrics.keys() == written["metrics"].keys() and retrieval.chance == written["chance"]
    assert [image["image_id"] for image in retrieval.images] == list(map(str, pictures))
    for image, expected in zip(retrieval.images, written["images"], strict=True):
        assert image["log_prob"] == pytest.approx(expected["log_prob"], abs=0.02)  # stored features are float16
        assert image["rank"] == pytest.approx(expected["rank"], abs=1)
    assert retrieval.metrics["mean_rank"] == pytest.approx(written["metrics"]["mean_rank"], abs=0.5)
    assert captioner.log_prob(pictures[0], retrieval.images[0]["caption"]) == pytest.approx(
        retrieval.images[0]["log_prob"], rel=1e-5
    )


def test_its_own_captions_are_those_of_caption(captioner, pictures: list[Path]) -> None:
    images = [Image.open(path) for path in pictures[:4]]
    retrieval = captioner.self_retrieve(images, temperature=1.0, seed=2)
    captions = captioner.caption(pictures[:4], temperature=1.0, seed=2)
    assert [image["caption"] for image in retrieval.images] == captions
    assert [image["image_id"] for image in retrieval.images] == [0, 1, 2, 3]
    given = captioner.self_retrieve(pictures[:4], captions)
    assert [image["rank"] for image in given.images] == [image["rank"] for image in retrieval.images]
    assert "decoding:sampling, temperature 1, seed 2" in retrieval.signatures["R@1"]
    assert "R@1" in repr(retrieval)


def test_pools_that_cannot_be_ranked_are_refused(shared_chain: Path, captioner, pictures: list[Path]) -> None:
    with pytest.raises(clcap.ClcapError, match=r"^self-retrieval needs at least two images, not 1$"):
        captioner.self_retrieve(pictures[:1])
    with pytest.raises(clcap.ClcapError, match=r"^there are 1 captions for 2 images; give one for each image$"):
        captioner.self_retrieve(pictures[:2], ["a"])
    with pytest.raises(clcap.InvalidValueError, match=r"^beam: the captions are given$"):
        captioner.self_retrieve(pictures[:2], ["a", "b"], beam=5)
    with pytest.raises(TypeError, match=r"^a caption must be a str, not list$"):
        captioner.self_retrieve(pictures[:2], [["a"], ["b"]])
    with pytest.raises(clcap.InvalidValueError, match=r"^num_captions: self-retrieval ranks one caption of each"):
        captioner.self_retrieve(pictures[:2], num_captions=2)
    twice = clcap.load([shared_chain / "aa.pt"] * 2, device="cpu")
    with pytest.raises(clcap.ClcapError, match=r"^2 checkpoints are loaded; self-retrieval ranks with one"):
        twice.self_retrieve(pictures[:2])
