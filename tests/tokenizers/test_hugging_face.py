import ast
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import clcap_cli
from clcap_cli.errors import ClcapError
from clcap_cli.tokenizers.hugging_face import CaptionFormat, HuggingFaceTokenizer, read_tokenizer
from clcap_cli.tokenizers.registry import build_tokenizer
from tests.tokenizers.subwords import write_bpe, write_wordpiece

CAPTIONS = ["A red ring and a blue star.", "two squares", "a picture of three shapes"]


@pytest.fixture(scope="module")
def bpe(tmp_path_factory: pytest.TempPathFactory) -> HuggingFaceTokenizer:
    return read_tokenizer(write_bpe(tmp_path_factory.mktemp("bpe") / "tokenizer.json", CAPTIONS))


@pytest.fixture(scope="module")
def wordpiece(tmp_path_factory: pytest.TempPathFactory) -> HuggingFaceTokenizer:
    return read_tokenizer(write_wordpiece(tmp_path_factory.mktemp("wordpiece") / "tokenizer.json", CAPTIONS))


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(words=st.lists(st.text(st.characters(blacklist_categories=["Z", "C"]), min_size=1), max_size=6))
def test_byte_level_bpe_encodes_every_caption(bpe: HuggingFaceTokenizer, words: list[str]) -> None:
    caption = " ".join(words)
    assert bpe.decode(bpe.encode(caption)) == caption


@pytest.mark.parametrize("caption", ["</s>", "a <s> ring", "a ring</s>", "<pad>"])
def test_special_tokens_in_captions_are_plain_text(bpe: HuggingFaceTokenizer, caption: str) -> None:
    tokens = bpe.encode(caption)
    assert not {bpe.start, bpe.end, *bpe.never_generated} & set(tokens)
    assert bpe.decode(tokens) == caption


def test_special_tokens_are_recognised(bpe: HuggingFaceTokenizer, wordpiece: HuggingFaceTokenizer) -> None:
    assert (bpe.start, bpe.end, bpe.unknown, bpe.never_generated) == (0, 1, None, (0, 2))
    assert (wordpiece.start, wordpiece.end, wordpiece.unknown) == (2, 3, 1)
    assert wordpiece.never_generated == (0, 1, 2)
    assert wordpiece.unknown in wordpiece.encode("a ☃")
    assert wordpiece.decode(wordpiece.encode("Two SQUARES")) == "two squares"


def test_a_tokenizer_survives_a_round_trip(bpe: HuggingFaceTokenizer) -> None:
    again = build_tokenizer(json.loads(json.dumps(bpe.record())), "a file")
    assert again == bpe
    assert again.id == bpe.id
    assert again.encode(CAPTIONS[0]) == bpe.encode(CAPTIONS[0])


def test_one_token_may_both_start_and_end(bpe: HuggingFaceTokenizer, tmp_path: Path) -> None:
    text = bpe.content.replace('"<s>"', '"<|endoftext|>"').replace('"</s>"', '"<other>"')
    tokenizer = HuggingFaceTokenizer(text, "gpt2")
    assert (tokenizer.start, tokenizer.end, tokenizer.never_generated) == (0, 0, (1, 2))


def test_without_a_start_token_the_start_is_never_output(bpe: HuggingFaceTokenizer) -> None:
    tokenizer = HuggingFaceTokenizer(bpe.content.replace('"<s>"', '"<other>"'), "t5")
    assert tokenizer.start == tokenizer.size


def test_files_that_are_no_tokenizers_are_refused(bpe: HuggingFaceTokenizer, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    with pytest.raises(ClcapError, match="no such file: "):
        read_tokenizer(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ClcapError, match=r"tokenizer\.json is .*; a tokenizer\.json of Hugging Face is expected here"):
        read_tokenizer(path)
    path.write_text('{"model": {}}')
    with pytest.raises(ClcapError, match=r"is not a tokenizer\.json that tokenizers \d.* reads: .*; if a newer"):
        read_tokenizer(path)
    path.write_text(bpe.content.replace('"</s>"', '"<other>"'))
    with pytest.raises(ClcapError, match=r"has no token for the end of a caption; expected one of </s>, \[SEP\]"):
        read_tokenizer(path)


def test_only_tokenizers_know_ids_of_special_tokens() -> None:
    files = sorted(Path(clcap_cli.__file__).parent.rglob("*.py"))
    outside = [file for file in files if file.parent.name != "tokenizers"]
    assert len(outside) > 100
    for file in outside:
        nodes = list(ast.walk(ast.parse(file.read_text())))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        imported = {
            alias.name
            for node in nodes
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("clcap_cli.tokenizers")
            for alias in node.names
        }
        assert not (names & {"END", "UNK"} | imported & {"END", "UNKNOWN"}), file


def test_a_tokenizer_without_a_decoder_is_refused(tmp_path: Path) -> None:
    path = write_bpe(tmp_path / "tokenizer.json", CAPTIONS)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "decoder": None}))
    with pytest.raises(ClcapError, match="has no suitable decoder: it decodes the tokens of 'a dog runs on grass' as"):
        read_tokenizer(path)


def as_gpt2(bpe: HuggingFaceTokenizer) -> str:
    """The tokenizer as GPT-2's: no space is added before the first word, and one token starts, ends and pads."""
    content = json.loads(bpe.content.replace('"</s>"', '"<|endoftext|>"'))
    content["pre_tokenizer"]["add_prefix_space"] = False
    return json.dumps(content)


@pytest.mark.parametrize("prompt", ["a picture of", "A"])
def test_captions_continue_the_prompt(bpe: HuggingFaceTokenizer, prompt: str) -> None:
    """The first word has the space before it, as in the text that the model was trained on."""
    plain, size = HuggingFaceTokenizer(as_gpt2(bpe), "gpt2"), bpe.size
    tokenizer = HuggingFaceTokenizer(plain.content, "gpt2", CaptionFormat(start=1, end=1, size=size, prompt=prompt))
    tokens = tokenizer.encode("three shapes")
    assert tokens != plain.encode("three shapes")
    assert [*tokenizer.prompt[1:], tokenizer.start, *tokens] == plain.encode(f"{prompt} three shapes")
    assert tokenizer.prompt[0] == 1
    assert tokenizer.decode(tokens) == "three shapes"
    assert tokenizer.encode("") == []


def test_tokens_of_the_model_that_the_tokenizer_lacks_are_never_generated(wordpiece: HuggingFaceTokenizer) -> None:
    """BLIP's first token need not be in its tokenizer."""
    size = wordpiece.size
    tokenizer = HuggingFaceTokenizer(wordpiece.content, "blip", CaptionFormat(start=size, end=3, size=size + 2))
    assert (tokenizer.start, tokenizer.end, tokenizer.size, tokenizer.prompt) == (size, 3, size + 2, ())
    assert tokenizer.never_generated == (0, 1, 2, size, size + 1)
    assert tokenizer.encode("two squares") == wordpiece.encode("two squares")


def test_the_format_of_captions_survives_a_round_trip(wordpiece: HuggingFaceTokenizer) -> None:
    """Records without one, which earlier versions wrote, stay as they are."""
    format = CaptionFormat(start=2, end=3, size=wordpiece.size, prompt="a picture of")
    tokenizer = HuggingFaceTokenizer(wordpiece.content, "blip", format)
    record = json.loads(json.dumps(tokenizer.record()))
    again = build_tokenizer(record, "a file")
    assert again == tokenizer != wordpiece
    assert (again.start, again.encode("two")) == (tokenizer.start, tokenizer.encode("two"))
    assert wordpiece.record().keys() == {"kind", "json"}
    for damage in ({"end": "3"}, {"end": -1}, {"size": 0}, {"prompt": None}, {"other": 1}):
        with pytest.raises(ValidationError):
            build_tokenizer({**record, "format": {**record["format"], **damage}}, "a file")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 5}, r"blip has the token \d+, but the model predicts only 5 tokens"),
        ({"end": 10**6}, r"blip has the token 1000000, but the model predicts only \d+ tokens"),
        ({"prompt": "a ☃ of"}, "blip does not know all words of the prompt 'a ☃ of'"),
    ],
)
def test_formats_that_do_not_fit_are_refused(wordpiece: HuggingFaceTokenizer, change: dict, message: str) -> None:
    format = CaptionFormat(**{"start": 2, "end": 3, "size": wordpiece.size, **change})
    with pytest.raises(ClcapError, match=message):
        HuggingFaceTokenizer(wordpiece.content, "blip", format)
