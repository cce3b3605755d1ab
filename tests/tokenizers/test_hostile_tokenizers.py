"""A tokenizer.json that would exhaust memory or crash its library is refused before this process uses it."""

import json
import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from clcap_cli.errors import ClcapError
from clcap_cli.segmentation.subwords import subword_segmenter
from clcap_cli.tokenizers.hugging_face import read_tokenizer

pytest.importorskip("tokenizers", reason="the package tokenizers is missing: pip install 'clcap[hf]'")

END = {"id": 0, "content": "</s>", "special": True, "single_word": False, "lstrip": False, "rstrip": False}
CHARSMAP = b64encode(bytes([0, 4, 0, 0]) + bytes(1024) + b"a" * 1000 + b"\0").decode()
"""A table of SentencePiece without entries, and a text that replaces a character."""


def replacing(pattern: dict[str, str], content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}


REPLACE = replacing({"String": "a"}, "a" * 10)


def written(folder: Path, **parts: Any) -> Path:
    path = folder / "tokenizer.json"
    model = {"type": "WordLevel", "vocab": {"</s>": 0, "<unk>": 1}, "unk_token": "<unk>"}
    empty = {"normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None}
    content = {"version": "1.0", "added_tokens": [{**END, "normalized": False}], **empty, "model": model, **parts}
    path.write_text(json.dumps(content))
    return path


def message_for(folder: Path, **parts: Any) -> str:
    path = written(folder, **parts)
    with pytest.raises(ClcapError) as error:
        read_tokenizer(path)
    return str(error.value).removeprefix(f"{path} ")


def test_a_normalizer_that_makes_gigabytes(tmp_path: Path) -> None:
    message = message_for(tmp_path, normalizer={"type": "Sequence", "normalizers": [REPLACE] * 9})
    assert message == (
        "is not a usable tokenizer: it crashes the package tokenizers, or needs more memory or time for a caption than "
        "any tokenizer does"
    )


def test_an_invalid_model_is_refused(tmp_path: Path) -> None:
    message = message_for(tmp_path, model={"type": "WordLevel", "vocab": {"</s>": -1}, "unk_token": "<unk>"})
    assert message.startswith("is not a tokenizer.json that tokenizers ")


@pytest.mark.parametrize(
    ("part", "key", "step", "growth"),
    [
        ("normalizer", "normalizers", replacing({"String": "☃"}, "☃" * 1000), "1e+12"),
        ("normalizer", "normalizers", replacing({"Regex": "☃"}, "☃" * 10), "9.24e+05"),
        ("normalizer", "normalizers", {"type": "Prepend", "prepend": "☃" * 10}, "9.24e+05"),
        ("normalizer", "normalizers", {"type": "Precompiled", "precompiled_charsmap": CHARSMAP}, "1.23e+10"),
        ("decoder", "decoders", replacing({"String": "z"}, "z" * 1000), "1e+12"),
    ],
)
def test_steps_that_enlarge_other_captions(tmp_path: Path, part: str, key: str, step: object, growth: str) -> None:
    message = message_for(tmp_path, **{part: {"type": "Sequence", key: [step] * 4}})
    assert message == (
        f"is not a usable tokenizer: its {part} can make a text {growth} times longer; the maximum is 4,000"
    )


def test_byte_level_steps_in_a_row(tmp_path: Path) -> None:
    message = message_for(tmp_path, normalizer={"type": "Sequence", "normalizers": [{"type": "ByteLevel"}] * 12})
    assert "its normalizer can make a text 4.1e+03 times longer" in message


def test_a_regular_expression_that_never_ends(tmp_path: Path) -> None:
    path = written(tmp_path, normalizer=replacing({"Regex": "^(q|qq)+$"}, "q"))
    expected = f"{re.escape(str(path))} is not a usable tokenizer: .*retry-limit-in-match over"
    with pytest.raises(ClcapError, match=expected):
        read_tokenizer(path).encode("q" * 60 + "!")
    with pytest.raises(ClcapError, match=expected):
        subword_segmenter(path.read_text(), str(path)).split("q" * 60 + "!")


def test_a_long_caption_that_would_become_gigabytes(tmp_path: Path) -> None:
    path = written(tmp_path, normalizer=replacing({"String": "☃"}, "☃" * 1000))
    expected = (
        f"{path} could make a caption of 300,000 bytes larger than 30 MB; the maximum is 30,000 bytes; "
        f"shorten '{'☃' * 20}…', or use another tokenizer"
    )
    for encode in (read_tokenizer(path).encode, subword_segmenter(path.read_text(), str(path)).split):
        with pytest.raises(ClcapError) as error:
            encode("☃" * 100_000)
        assert str(error.value) == expected
