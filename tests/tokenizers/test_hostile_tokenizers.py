"""A tokenizer.json that would exhaust memory or crash its library is refused before this process uses it."""

import json
from pathlib import Path
from typing import Any

import pytest

from clcap_cli.errors import ClcapError
from clcap_cli.tokenizers.hugging_face import read_tokenizer

pytest.importorskip("tokenizers", reason="the package tokenizers is missing: pip install 'clcap[hf]'")

END = {"id": 0, "content": "</s>", "special": True, "single_word": False, "lstrip": False, "rstrip": False}
REPLACE = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 10}


def message_for(folder: Path, **parts: Any) -> str:
    path = folder / "tokenizer.json"
    model = {"type": "WordLevel", "vocab": {"</s>": 0, "<unk>": 1}, "unk_token": "<unk>"}
    empty = {"normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None}
    content = {"version": "1.0", "added_tokens": [{**END, "normalized": False}], **empty, "model": model, **parts}
    path.write_text(json.dumps(content))
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
