"""captions.h5 and features.h5 grow, and models that were trained on the smaller files go on with the larger ones."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.features import open_features
from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.artifacts.results import open_caption_results, open_results
from tests.conftest import CommandResult

NEW = {"train": [901, 902, 903], "val": [904, 905], "test": [906]}
SMALL = ("--device", "cpu", "--threads", 1)


@pytest.fixture
def run(chain: Path, clcap: Callable[..., CommandResult], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command in the folder of the chain; returns its messages."""
    monkeypatch.chdir(chain)

    def call(*words: object) -> str:
        result = clcap(*words)
        assert result.status == 0, result.err
        return result.err

    return call


def add_images(folder: Path) -> None:
    """Add new images with a new word to the captions files of the scenes."""
    for split, ids in NEW.items():
        path = folder / "scenes" / f"captions_{split}.json"
        content = json.loads(path.read_text())
        for id in ids:
            pixels = np.random.default_rng(id).integers(0, 256, (64, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "scenes" / "images" / f"{id}.png")
            content["images"].append({"id": id, "file_name": f"{id}.png"})
            content["annotations"] += [
                {"id": 10 * id + number, "image_id": id, "caption": f"a zebra number {number}"} for number in range(2)
            ]
        path.write_text(json.dumps(content))


def prepare(run: Callable[..., str], *options: object) -> str:
    files = [word for split in NEW for word in (f"--{split}", f"scenes/captions_{split}.json")]
    return run("prepare-captions", *files, "--min-count", 2, *options)


@pytest.fixture
def grown(chain: Path, run: Callable[..., str]) -> list[str]:
    """What prepare-captions and extract-features print when images are added."""
    add_images(chain)
    extract = ("extract-features", "captions.h5", "--images", "scenes/images", "--image-size", 64, *SMALL)
    return [prepare(run), run(*extract)]


def test_the_grown_files_say_what_they_extend(
    chain: Path, run: Callable[..., str], clcap: Callable[..., CommandResult]
) -> None:
    before = {name: read_provenance(chain / name).id for name in ("captions.h5", "features.h5")}
    rows = {id: row.tobytes() for id, row in _rows(chain / "features.h5").items()}
    add_images(chain)
    message = prepare(run)
    assert "all images and captions of the earlier captions.h5 are unchanged, so models made from it" in message
    assert "made from the old one" not in message
    message = run("extract-features", "captions.h5", "--images", "scenes/images", "--image-size", 64, *SMALL)
    assert "42 of 48 images are already in features.h5, made from the same image files" in message
    assert "all features of the earlier features.h5 are unchanged, so models made from it stay valid" in message
    assert "made from the old one" not in message
    for name, id in before.items():
        assert read_provenance(chain / name).extends == [id]
    new = _rows(chain / "features.h5")
    assert len(new) == 48
    assert {id: new[id].tobytes() for id in rows} == rows
    assert "captions: captions.h5  prepare-captions, seed 0  (extended since)" in clcap("show", "nt.pt").out


def _rows(path: Path) -> dict:
    features = open_features(path)
    return dict(zip(features.ids, features.grid_at(np.arange(len(features.ids)))[0], strict=True))


def test_an_old_model_goes_on_with_its_own_vocabulary(chain: Path, run: Callable[..., str], grown: list[str]) -> None:
    old = open_checkpoint(chain / "nt.pt")
    assert "zebra" in open_captions(chain / "captions.h5").tokenizer.words
    run("train-cl", "--ref", "nt.pt", "--k", 1, "--epochs", 1, "--out", "new.pt", *SMALL)
    new = open_checkpoint(chain / "new.pt")
    assert new.tokenizer == old.tokenizer
    assert new.provenance.input("captions").id == read_provenance(chain / "captions.h5").id
    for model in ("nt.pt", "new.pt"):
        run("caption", model, *SMALL)
        assert 906 in open_caption_results(chain / f"{Path(model).stem}.captions.json").captions
        run("self-retrieve", model, *SMALL)
        assert len(open_results(chain / f"{Path(model).stem}.retrieval.json").images) == 11
        run("evaluate", f"{Path(model).stem}.captions.json", "--metrics", "BLEU")
    start = ("--init-from", "nt.pt", "--embedding", 24, "--hidden", 32, "--epochs", 1)
    run("train-mle", "captions.h5", "features.h5", *start, "--out", "again.pt", *SMALL)
    assert open_checkpoint(chain / "again.pt").tokenizer == old.tokenizer
    run("swap-reference", "--ref", "nt.pt", "--candidate", "new.pt", "--force", *SMALL)


def test_metrics_of_the_larger_split_are_not_compared(chain: Path, run, clcap: Callable[..., CommandResult]) -> None:
    run("evaluate", "nt.pt", "--metrics", "BLEU", "--out", "small.metrics.json", *SMALL)
    add_images(chain)
    prepare(run)
    run("extract-features", "captions.h5", "--images", "scenes/images", "--image-size", 64, *SMALL)
    run("evaluate", "nt.pt", "--metrics", "BLEU", "--out", "large.metrics.json", *SMALL)
    result = clcap("compare", "small.metrics.json", "large.metrics.json")
    assert "images: 10 and 11 were scored; only the 10 in common are compared here" in result.out + result.err
    assert "prepared captions: different data" in result.out + result.err


REASONS = {
    "caption": "1 of its 42 images with other captions",
    "split": "1 of its 42 images in another split",
    "min-count": "--min-count 3, before 2",
    "image removed": "1 of its 42 images left out",
}


@pytest.mark.parametrize("change", REASONS)
def test_other_captions_do_not_extend_the_old_ones(chain: Path, run, change: str, error_of) -> None:
    paths = [chain / "scenes" / f"captions_{split}.json" for split in ("train", "val")]
    train, val = [json.loads(path.read_text()) for path in paths]
    if change == "caption":
        train["annotations"][0]["caption"] += " indeed"
    elif change != "min-count":
        image = train["images"].pop(0)
        own = [one for one in train["annotations"] if one["image_id"] == image["id"]]
        train["annotations"] = [one for one in train["annotations"] if one not in own]
        if change == "split":
            val["images"].append(image)
            val["annotations"] += own
    for path, content in zip(paths, (train, val), strict=True):
        path.write_text(json.dumps(content))
    message = prepare(run, *(["--min-count", 3] if change == "min-count" else []))
    assert (
        f"the new captions.h5 is not an extension of the earlier one: {REASONS[change]}; models made from the earlier "
        "one will not accept it\n"
    ) in message
    assert "made from the old one: " in message
    assert read_provenance(chain / "captions.h5").extends == []
    assert "captions.h5 has changed since nt.pt was created from it" in error_of("caption", "nt.pt", *SMALL)
