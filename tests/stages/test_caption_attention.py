"""``caption --attention`` keeps how much each word attends to each region of its image."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clcap_cli.artifacts.attention import open_attention
from clcap_cli.artifacts.results import open_caption_results
from tests.conftest import CommandResult

CPU = ("--device", "cpu")
Clcap = Callable[..., CommandResult]


def texts_of(path: Path) -> dict:
    return {id: [one.caption for one in own] for id, own in open_attention(path).captions.items()}


@pytest.mark.parametrize("model", ["aa", "tf"])
def test_every_word_has_weights_that_sum_to_one(chain: Path, clcap: Clcap, model: str) -> None:
    result = clcap("caption", chain / f"{model}.pt", "--attention", "--min-words", 2, *CPU)
    assert (result.status, result.out) == (0, f"{chain / model}.captions.json\n")
    opened = open_attention(chain / f"{model}.attention.h5")
    assert opened.has_sentinel == (model == "aa")
    assert opened.features.regions == 4
    for one in (one for own in opened.captions.values() for one in own):
        words = [one.caption[start:end].strip() for start, end in zip([0, *one.ends], one.ends, strict=False)]
        assert words == one.caption.split()
        total = one.weights.astype(float).sum(1) + (0 if one.sentinel is None else one.sentinel.astype(float))
        assert total == pytest.approx(1, abs=4e-3)


def test_captions_are_those_without_the_option(chain: Path, clcap: Clcap) -> None:
    several = ("--beam", 4, "--num-captions", 2, *CPU)
    assert clcap("caption", chain / "aa.pt", *several, "--out", chain / "a.json").status == 0
    assert clcap("caption", chain / "aa.pt", *several, "--attention", "--out", chain / "b.csv").status == 0
    captions = open_caption_results(chain / "a.json").captions
    assert texts_of(chain / "b.attention.h5") == open_caption_results(chain / "b.csv").captions == captions
    assert {len(own) for own in captions.values()} == {2}


def test_attention_is_the_same_for_images_and_splits(chain: Path, clcap: Clcap, monkeypatch) -> None:
    monkeypatch.chdir(chain)
    Path("photos").mkdir()
    shutil.copy("scenes/images/0_000041.png", "photos/b.png")
    shutil.copy("scenes/images/0_000033.png", "photos/c.png")
    Path("photos/a.png").write_bytes(Path("photos/b.png").read_bytes()[:-60])
    assert clcap("caption", "aa.pt", "--attention", *CPU).status == 0
    result = clcap("caption", "aa.pt", "--images", "photos", "--skip-bad", "--attention", *CPU)
    assert result.status == 0, result.err
    split, own = (open_attention(Path(f"aa{name}.attention.h5")).captions for name in ("", ".images"))
    assert list(own) == ["photos/b.png", "photos/c.png"], "the image that cannot be read is left out"
    for id, path in ((41, "photos/b.png"), (33, "photos/c.png")):
        assert own[path][0].caption == split[id][0].caption
        assert np.allclose(own[path][0].weights, split[id][0].weights, atol=2e-3)


def test_imported_regions_have_their_number_of_weights(chain: Path, clcap: Clcap) -> None:
    folder = chain / "regions"
    folder.mkdir()
    random, counts = np.random.default_rng(0), {}
    for image in (chain / "scenes" / "images").iterdir():
        counts[image.name] = int(random.integers(1, 6))
        regions = random.normal(size=(counts[image.name], 6)).astype(np.float32)
        corners = [[0, 0, number + 1, 50] for number in range(len(regions))]
        np.savez(folder / f"{image.stem}.npz", feat=regions, bbox=np.array(corners), image_w=100, image_h=100)
    assert clcap("import-features", chain / "captions.h5", folder, "--out", chain / "r.h5").status == 0
    small = ("--model", "adaptive-attention", "--hidden", 8, "--embedding", 8, "--epochs", 1, "--no-preflight")
    trained = clcap("train-mle", chain / "captions.h5", chain / "r.h5", "--out", chain / "r.pt", *small, *CPU)
    assert trained.status == 0, trained.err
    assert clcap("caption", chain / "r.pt", "--attention", *CPU).status == 0
    names = {entry["id"]: entry["file_name"] for entry in json.loads(captions_of_test(chain))["images"]}
    opened = open_attention(chain / "r.attention.h5")
    for id, (one,) in opened.captions.items():
        assert one.weights.shape == (len(one.ends), counts[names[id]])
        assert opened.boxes[id][-1].tolist() == pytest.approx([0, 0, counts[names[id]] / 100, 0.5])


def captions_of_test(chain: Path) -> str:
    return (chain / "scenes" / "captions_test.json").read_text()


def test_both_files_are_written_or_neither(chain: Path, error_of, monkeypatch) -> None:
    def fail(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("clcap_cli.artifacts.attention.write_ids", fail)
    message = error_of("caption", chain / "aa.pt", "--attention", *CPU)
    assert message == f"{chain}/aa.attention.h5 cannot be written: No space left on device"
    assert not (chain / "aa.attention.h5").exists() and not (chain / "aa.captions.json").exists()


def test_too_little_space_is_found_out_before_decoding(chain: Path, error_of, monkeypatch) -> None:
    monkeypatch.setattr("clcap_cli.artifacts.atomic.free_bytes", lambda path: 100)
    message = error_of("caption", chain / "aa.pt", "--attention", *CPU)
    assert message.startswith(f"{chain}/aa.attention.h5 needs ")


def test_show_describes_attention(chain: Path, clcap: Clcap, error_of) -> None:
    assert clcap("caption", chain / "aa.pt", "--attention", "--max-words", 3, "--min-words", 3, *CPU).status == 0
    shown = clcap("show", chain / "aa.attention.h5").out
    assert "an attention file (*.attention.h5) of caption --attention, clcap/attention version 1" in shown
    assert "captions  10 of 10 images, 30 tokens\n" in shown
    assert "weights   4 regions and a sentinel\n" in shown
    assert "checkpoint: aa.pt  train-mle" in shown
    assert "is an attention file" in error_of("inspect", chain / "aa.attention.h5")


def test_a_model_without_attention_is_refused(chain: Path, error_of) -> None:
    for given in ((), ("--images", chain / "scenes" / "images")):
        message = error_of("caption", chain / "nt.pt", "--attention", *given, *CPU)
        assert message == "neuraltalk2 has no attention; --attention needs a model such as adaptive-attention"
    assert not list(chain.glob("*.captions.json"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nt.pt", "aa.pt"), "an ensemble has no attention of its own; give one checkpoint"),
        (("aa.pt", "--images", "a.png", "--out", ".txt"), "needs one file of captions; give another --out"),
    ],
)
def test_command_lines_without_one_attention(
    usage_error_of, chain, arguments: tuple, message: str, monkeypatch
) -> None:
    monkeypatch.chdir(chain)
    assert usage_error_of("caption", *arguments, "--attention").startswith(f"error: --attention: {message}")


def test_report_shows_attention_of_the_same_captions(chain: Path, clcap: Clcap) -> None:
    def reported(*more: Path) -> tuple[str, str]:
        result = clcap("report", chain / "aa.metrics.json", *more, "--out", chain / "report.html")
        assert result.status == 0, result.err
        return (chain / "report.html").read_text(), result.err

    assert clcap("caption", chain / "aa.pt", "--attention", "--min-words", 3, *CPU).status == 0
    assert clcap("evaluate", chain / "aa.captions.json", "--metrics", "ROUGE_L").status == 0
    beside, kept = chain / "aa.attention.h5", chain / "kept.attention.h5"
    assert '"grid":[2,2,' in reported()[0]
    beside.rename(kept)
    assert '"grid"' not in reported()[0]
    assert '"grid":[2,2,' in reported(kept)[0]
    other = ("--attention", "--max-words", 2, "--out", chain / "aa.json")
    assert clcap("caption", chain / "aa.pt", *other, *CPU).status == 0
    page, printed = reported()
    assert '"grid"' not in page
    assert f"{beside} is not of the captions of aa, so the page leaves it out" in printed
