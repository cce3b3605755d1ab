"""The expression in a model card writes the same captions as the tokenizer."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import regex
from tokenizers import Tokenizer

from clcap_cli.errors import ClcapError
from clcap_cli.exporting.detokenisation import JOINS, detokenisation_of
from clcap_cli.segmentation.registry import SEGMENTERS, open_segmenter, segmenter_named
from clcap_cli.segmentation.segmenter import Segmenter
from clcap_cli.tokenizers.hugging_face import read_tokenizer
from clcap_cli.tokenizers.tokenizer import Tokenizer as ClcapTokenizer
from clcap_cli.tokenizers.words import WordTokenizer
from tests.tokenizers.subwords import write_bpe

CAPTION = "a café 狗 在 草地 上 หมา วิ่ง"


def written(tokenizer: ClcapTokenizer, tokens: Sequence[int], folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the expression writes in a folder with the exported files."""
    found = detokenisation_of(tokenizer)
    (folder / "tokenizer.json").write_text(found.tokenizer_json, encoding="utf-8")
    monkeypatch.chdir(folder)
    names = {"CONFIG": {"vocabulary": found.vocabulary}, "tokens": tokens, "regex": regex, "Tokenizer": Tokenizer}
    return eval(found.join, names)


def test_every_segmentation_of_clcap_has_an_expression() -> None:
    assert JOINS.keys() == SEGMENTERS.builtin.keys()


@pytest.mark.parametrize("name", JOINS)
def test_captions_of_segmentations(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [*CAPTION.split(), "▁"]
    tokenizer = WordTokenizer(words, segmenter_named(name))
    tokens = [2, 9, 3, 4, 5, 6, 7, 8]
    assert written(tokenizer, tokens, tmp_path, monkeypatch) == tokenizer.decode(tokens)


def test_captions_of_subword_tokenizers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_bpe(tmp_path / "bpe.json", ["a dog runs on the grass"])
    text = "a dog runs on the grass"
    as_words = WordTokenizer(sorted(set(open_segmenter(str(path)).split(text))), open_segmenter(str(path)))
    for tokenizer in (read_tokenizer(path), as_words):
        tokens = tokenizer.encode(text)
        assert written(tokenizer, tokens, tmp_path, monkeypatch) == tokenizer.decode(tokens) == text


def test_a_segmentation_of_a_package_is_refused() -> None:
    own = Segmenter(name="syllables", split=str.split, join=" ".join)
    with pytest.raises(ClcapError, match="--tokenize syllables cannot be written without the package that adds it"):
        detokenisation_of(WordTokenizer(["a"], own))
