"""How many times larger than a text the steps of a tokenizer.json can make it."""

import json
from base64 import b64decode
from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any

from clcap_cli.errors import ClcapError

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Pipeline

LIMIT = 4_000
"""Largest product of the growth of all steps; common tokenizers have less than 200."""
MAX_BYTES = 30_000_000
"""Largest size of an enlarged text; the library takes up to 20 times as much memory."""
PARTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")


def check_growth(pipeline: "Pipeline", name: str) -> None:
    """Raise ClcapError if a part of a tokenizer can make a text more than ``LIMIT`` times larger."""
    for part in PARTS:
        growth = _growth_in(pipeline, part)
        if growth > LIMIT:
            raise ClcapError(
                f"{name} is not a usable tokenizer: its {part} can make a text {growth:.3g} times longer; "
                f"the maximum is {LIMIT:,}"
            )


def longest_text(pipeline: "Pipeline") -> int:
    """Size in bytes of the longest text that a tokenizer makes no larger than ``MAX_BYTES``."""
    return int(MAX_BYTES / prod(_growth_in(pipeline, part) for part in PARTS[:2]))


def check_length(text: str, longest: int, name: str) -> None:
    """Raise ClcapError if a caption has more than ``longest`` bytes; ``name`` is that of the tokenizer."""
    size = _size(text)
    if size > longest:
        raise ClcapError(
            f"{name} could make a caption of {size:,} bytes larger than {MAX_BYTES // 10**6} MB; the maximum is "
            f"{longest:,} bytes; shorten '{text[:20]}…', or use another tokenizer"
        )


def _growth_in(pipeline: "Pipeline", part: str) -> float:
    step = getattr(pipeline, part)
    return _growth(json.loads(step.__getstate__())) if step else 1.0


def _growth(step: Any) -> float:
    """Growth of a step and of the steps in it, which are applied one after the other."""
    if isinstance(step, list):
        return prod(map(_growth, step), start=1.0)
    if not isinstance(step, dict):
        return 1.0
    own = GROWTH.get(str(step.get("type")), lambda _: 1)(step)
    return own * prod(map(_growth, step.values()), start=1.0)


def _replace(step: dict[str, Any]) -> float:
    """A regular expression can match each character, or between all characters."""
    content, text = _size(step["content"]), step["pattern"].get("String")
    return max(1, content / _size(text)) if text else 1 + content


def _precompiled(step: dict[str, Any]) -> float:
    """The longest text that replaces a character: after a table with its size in 4 bytes, each ends with a NUL byte."""
    table = b64decode(step["precompiled_charsmap"] or "")
    texts = table[4 + int.from_bytes(table[:4], "little") :]
    return max(1, max(map(len, texts.split(b"\0"))) / 3)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


GROWTH: dict[str, Callable[[dict[str, Any]], float]] = {
    "Replace": _replace,
    "Precompiled": _precompiled,
    "Prepend": lambda step: 1 + _size(step["prepend"]),
    "Metaspace": lambda step: 1 + _size(step["replacement"]),
    "ByteLevel": lambda _: 2,
    "BPEDecoder": lambda _: 2,
    "CTC": lambda _: 2,
    "TemplateProcessing": lambda step: max(1, sum("Sequence" in piece for piece in step["single"])),
}
"""Growth by the type of a step; steps of other types do not make a text much longer."""
