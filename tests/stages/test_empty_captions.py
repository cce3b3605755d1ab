"""Captions without a word: a warning says how many there are, and the file has their number."""

import json
from pathlib import Path

import pytest

from clcap_cli.metrics import bleu, chair, cider, rouge_l
from tests.metrics.builders import predictions

WITHOUT_A_WORD = ["", "  ", "...", "?"]


def write(path: Path, captions: list[str]) -> Path:
    path.write_text(json.dumps([{"image_id": at, "caption": text} for at, text in enumerate(captions)]))
    return path


def test_evaluate_counts_captions_without_a_word(tmp_path: Path, clcap) -> None:
    captions = write(tmp_path / "p.json", [*WITHOUT_A_WORD, "a dog"])
    references = write(tmp_path / "r.json", ["a dog"] * 4 + ["a dog runs"])
    result = clcap("evaluate", "--predictions", captions, "--references", references, "--metrics", "ROUGE_L")
    assert result.status == 0, result.err
    assert "4 of 5 captions are empty, of the images 0, 1, 2, 3; most metrics give such a caption 0\n" in result.err
    assert "references are empty" not in result.err
    assert json.loads((tmp_path / "p.metrics.json").read_text())["empty_captions"] == 4


def test_evaluate_counts_references_without_a_word(tmp_path: Path, clcap) -> None:
    captions, references = write(tmp_path / "p.json", ["a dog", "a cat"]), write(tmp_path / "r.json", ["a dog", "..."])
    result = clcap("evaluate", "--predictions", captions, "--references", references, "--metrics", "ROUGE_L")
    assert "1 of 2 references is empty, of image 1; no caption with words can match such a " in result.err
    assert json.loads((tmp_path / "p.metrics.json").read_text())["empty_captions"] == 0


def test_self_retrieve_counts_captions_without_a_token(chain: Path, clcap) -> None:
    ids = [entry["id"] for entry in json.loads((chain / "scenes" / "captions_test.json").read_text())["images"]]
    texts = ["...", *["a circle"] * (len(ids) - 1)]
    captions = [{"image_id": id, "caption": text} for id, text in zip(ids, texts, strict=True)]
    (chain / "p.json").write_text(json.dumps(captions))
    result = clcap("self-retrieve", chain / "nt.pt", "--predictions", chain / "p.json", "--device", "cpu")
    assert result.status == 0, result.err
    assert f"warning: 1 of {len(ids)} captions is empty, of image {ids[0]}; such a caption ranks" in result.err
    found = json.loads(next(chain.glob("*.retrieval.json")).read_text())
    assert found["empty_captions"] == 1


def test_caption_counts_captions_without_a_word(chain: Path, clcap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clcap_cli.evaluation.model_inputs.caption_split", lambda *_: {1: ["", "a dog"], 2: [""]})
    result = clcap("caption", chain / "nt.pt", "--device", "cpu")
    assert result.status == 0, result.err
    assert "warning: 2 of 3 captions are empty, of the images 1, 2; --min-words 1 prevents it\n" in result.err


@pytest.mark.parametrize("metric", [bleu.METRIC, rouge_l.METRIC, cider.METRIC, chair.METRIC], ids=lambda one: one.name)
def test_an_empty_caption_has_the_documented_value(metric) -> None:
    columns = metric.measure(predictions([[""], ["a dog"]], [["a dog"], ["a cat"]]))
    numbers = {name: values[0] for name, values in columns.items() if isinstance(values[0], int | float)}
    assert numbers and set(numbers.values()) == {0}
