"""The paper's workflow through the command line."""

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from tests.conftest import CommandResult, real_data

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(clcap: Callable[..., CommandResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command in an empty folder of the test's own, and return what it prints."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> str:
        result = clcap(*arguments)
        assert result.status == 0, result.err
        return result.out

    return run


def test_the_workflow_of_the_paper_from_scenes_to_round_two(run: Callable[..., str], tmp_path: Path) -> None:
    run("make-scenes", "scenes", "--train", "40", "--val", "10", "--test", "12")
    files = [w for s in ("train", "val", "test") for w in (f"--{s}", f"scenes/captions_{s}.json")]
    assert run("prepare-captions", *files, "--out", "captions.h5") == "captions.h5\n"
    images = ["--images", "scenes/images", "--image-size", "64"]
    assert run("extract-features", "captions.h5", *images, "--out", "features.h5") == "features.h5\n"
    small = ["--hidden", "32", "--embedding", "32", "--epochs", "2", "--lr", "0.01"]
    train = ["train-mle", "captions.h5", "features.h5", "--model", "neuraltalk2", "--out", "nt.pt"]
    assert run(*train, *small) == "nt.pt\n"
    assert run("train-cl", "--ref", "nt.pt", "--k", "5") == "nt_cl.pt\n"
    captions = ["caption", "nt_cl.pt", "--split", "test", "--out", "nt_cl.captions.json"]
    assert run(*captions) == "nt_cl.captions.json\n"
    retrieve = ["self-retrieve", "nt_cl.pt", "--split", "test", "--out", "nt_cl.retrieval.json"]
    assert run(*retrieve) == "nt_cl.retrieval.json\n"
    evaluate = ["evaluate", "nt_cl.captions.json", "--split", "test", "--out", "nt_cl.metrics.json"]
    assert run(*evaluate) == "nt_cl.metrics.json\n"
    swap = ["swap-reference", "--ref", "nt.pt", "--candidate", "nt_cl.pt", "--force"]
    assert run(*swap) == "nt_ref1.pt\n"
    assert "train-mle" in run("show", "nt_ref1.pt")

    retrieval = json.loads((tmp_path / "nt_cl.retrieval.json").read_text())
    metrics = json.loads((tmp_path / "nt_cl.metrics.json").read_text())
    assert len(retrieval["images"]) == len(metrics["images"]) == 12
    assert {"R@1", "R@5", "R@10", "median_rank", "mean_rank"} <= set(retrieval["metrics"])
    assert set(retrieval["chance"]) == set(retrieval["intervals"]) == set(retrieval["signatures"])
    assert {"BLEU-1", "BLEU-4", "METEOR", "ROUGE_L", "CIDEr"} <= set(metrics["metrics"])
    log = [json.loads(line) for line in (tmp_path / "nt_cl.log.jsonl").read_text().splitlines()]
    assert round(log[0]["val_loss"], 4) == 1.3863
    assert {
        "log_ratio_matched",
        "log_ratio_mismatched",
        "negatives_below_reference",
        "val_loss_lower_bound",
        "val_R@1",
        "val_log_prob",
    } <= set(log[1])


def test_a_transformer_through_the_command_line(chain: Path, clcap) -> None:
    train = ["train-mle", chain / "captions.h5", chain / "features.h5", "--model", "transformer", "--hidden", 16]
    options = ["--model-option", "layers=1", "--model-option", "heads=2", "--dropout", 0, "--epochs", 1]
    assert clcap(*train, *options, "--out", chain / "own.pt").out == f"{chain}/own.pt\n"
    assert clcap("train-cl", "--ref", chain / "own.pt", "--k", 2, "--epochs", 1).out == f"{chain}/own_cl.pt\n"
    results = clcap("caption", chain / "own_cl.pt").out.strip()
    assert clcap("self-retrieve", chain / "own_cl.pt").status == 0
    retrieval = json.loads((chain / "own_cl.retrieval.json").read_text())
    captions = json.loads(Path(results).read_text())
    assert [image["caption"] for image in retrieval["images"]] == [one["caption"] for one in captions]
    swap = ["swap-reference", "--ref", chain / "own.pt", "--candidate", chain / "own_cl.pt", "--force"]
    assert clcap(*swap).out == f"{chain}/own_ref1.pt\n"


def test_pycocotools_reads_the_results(chain: Path, clcap) -> None:
    from pycocotools.coco import COCO

    results = clcap("caption", chain / "nt.pt", "--split", "test").out.strip()
    coco = COCO(chain / "scenes" / "captions_test.json").loadRes(results)
    assert len(coco.anns) == 10


def test_a_results_file_of_another_tool_is_scored_and_ranked(chain: Path, clcap) -> None:
    annotations = json.loads((chain / "scenes" / "captions_test.json").read_text())["annotations"]
    results = [
        {"image_id": annotation["image_id"], "caption": annotation["caption"]} for annotation in annotations[::5]
    ]
    (chain / "references.json").write_text(json.dumps(results))
    coco = chain / "scenes" / "captions_test.json"
    assert clcap("evaluate", chain / "references.json", "--references", coco).status == 0
    metrics = json.loads((chain / "references.metrics.json").read_text())
    assert metrics["metrics"]["ROUGE_L"] == pytest.approx(1)
    output = clcap("self-retrieve", chain / "nt.pt", "--predictions", chain / "references.json")
    assert output.status == 0
    ranked = json.loads((chain / "references.by_nt.retrieval.json").read_text())["images"]
    assert [image["caption"] for image in ranked] == [result["caption"] for result in results]


def test_the_full_matrix_of_log_probs_can_be_written(chain: Path, clcap) -> None:
    assert clcap("self-retrieve", chain / "nt.pt", "--full-matrix", chain / "all.h5").status == 0
    retrieval = json.loads((chain / "nt.retrieval.json").read_text())
    with h5py.File(chain / "all.h5") as file:
        table, ids = file["log_prob"][:], file["id"][:].tolist()
    assert ids == [image["image_id"] for image in retrieval["images"]]
    assert table.diagonal().tolist() == pytest.approx([image["log_prob"] for image in retrieval["images"]], abs=1e-4)
    assert "10 captions under 10 images" in clcap("show", chain / "all.h5").out
    search = retrieval["search"]
    assert search["pairs"] == 100
    assert 0 < search["share_after_pruning"] <= 1


def test_measuring_again_gives_the_same_id(chain: Path, clcap) -> None:
    answers = []
    for name in ("one.json", "two.json"):
        assert clcap("self-retrieve", chain / "nt.pt", "--out", chain / name).status == 0
        answers.append(json.loads((chain / name).read_text()))
    assert answers[0]["provenance"]["id"] == answers[1]["provenance"]["id"]
    assert all(result["timing"]["pairs_per_second"] > 0 for result in answers)


def test_a_target_may_have_another_model_and_other_features(chain: Path, clcap) -> None:
    images = chain / "scenes" / "images"
    other = ["--backbone", "resnet18", "--weights", "random", "--image-size", "32", "--out", chain / "resnet.h5"]
    assert clcap("extract-features", chain / "captions.h5", "--images", images, *other).status == 0
    size = ["--hidden", 16, "--embedding", 16, "--epochs", 1, "--out", chain / "small.pt"]
    assert clcap("train-mle", chain / "captions.h5", chain / "resnet.h5", *size).status == 0
    result = clcap("train-cl", "--ref", chain / "aa.pt", "--target", chain / "small.pt", "--k", 1, "--epochs", 1)
    assert result.out == f"{chain}/small_cl.pt\n"
    assert clcap("caption", chain / "small_cl.pt").status == 0


def test_images_of_the_user_can_be_captioned(chain: Path, clcap) -> None:
    images = chain / "scenes" / "images"
    out = ["--out", chain / "own.json"]
    assert clcap("caption", chain / "nt.pt", *out, "--images", images / "0_000033.png", images).status == 0
    own = json.loads((chain / "own.json").read_text())
    assert len(own) == 42
    clcap("caption", chain / "nt.pt", "--split", "test", "--out", chain / "test.json")
    split = json.loads((chain / "test.json").read_text())
    assert own[0]["caption"] == split[0]["caption"]


RECORD = """#!/usr/bin/env bash
printf '%q ' "$@" >> "$COMMANDS" && echo >> "$COMMANDS"
"""
"""Stands in for clcap and records its command lines, which then run in this process: each start takes seconds."""


def test_coco_mini(run: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "clcap").write_text(RECORD)
    (tmp_path / "bin" / "clcap").chmod(0o755)
    paths = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "TMPDIR": str(tmp_path), "COMMANDS": str(tmp_path / "commands")}
    script = ["bash", str(ROOT / "examples" / "smoke.sh"), str(real_data("coco-mini"))]
    subprocess.run(script, env=paths, check=True)
    commands = [shlex.split(line) for line in (tmp_path / "commands").read_text().splitlines()]
    assert len(commands) >= 12
    for command in commands:
        run(*command)


def test_flickr8k(run: Callable[..., str], tmp_path: Path) -> None:
    flickr = real_data("flickr8k-700")
    run("prepare-captions", str(flickr / "dataset.json"), "--limit", "60")
    images = ["--images", str(flickr / "images"), "--image-size", "96"]
    run("extract-features", "captions.h5", *images)
    small = ["--hidden", "128", "--embedding", "128", "--epochs", "5", "--lr", "3e-3"]
    run("train-mle", "captions.h5", "features.h5", *small, "--out", "nt.pt")
    run("train-cl", "--ref", "nt.pt", "--k", "5", "--epochs", "2")
    run("self-retrieve", "nt_cl.pt", "--pool", "50")
    log = [json.loads(line) for line in (tmp_path / "nt_cl.log.jsonl").read_text().splitlines()]
    assert round(log[0]["val_loss"], 4) == 1.3863
    assert log[0]["val_negatives_below_reference"] == 0 < log[-1]["val_negatives_below_reference"]
    retrieval = json.loads((tmp_path / "nt_cl.retrieval.json").read_text())
    assert len(retrieval["images"]) == 50
    assert all(1 <= image["rank"] <= 50 for image in retrieval["images"])
    assert retrieval["chance"]["R@1"] == 0.02


def test_the_chain_continues_without_unreadable_images(chain: Path, clcap) -> None:
    images = chain / "scenes" / "images"
    (images / "0_000003.png").write_bytes(b"not a picture")  # train
    (images / "0_000040.png").unlink()  # test
    extract = ["extract-features", chain / "captions.h5", "--images", images, "--image-size", 64, "--skip-bad"]
    output = clcap(*extract, "--out", chain / "features.h5")
    assert "2 of 42 images left out" in output.err
    size = ["--hidden", 16, "--embedding", 16, "--epochs", 1, "--out", chain / "new.pt"]
    assert clcap("train-mle", chain / "captions.h5", chain / "features.h5", *size).status == 0
    assert clcap("train-cl", "--ref", chain / "new.pt", "--k", 1, "--epochs", 1).status == 0
    results = clcap("caption", chain / "new_cl.pt").out.strip()
    assert 40 not in [result["image_id"] for result in json.loads(Path(results).read_text())]
    scored = clcap("evaluate", results)
    assert scored.status == 0
    assert "1 of 10 images with references have no caption: 40; these are left out" in scored.err
    assert clcap("self-retrieve", chain / "new_cl.pt", "--pool", 9).status == 0
    assert clcap("swap-reference", "--ref", chain / "new.pt", "--candidate", chain / "new_cl.pt", "--force").status == 0
