"""Subword tokenizers of Hugging Face's ``tokenizers`` library, such as byte-level BPE, WordPiece and Unigram."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from clcap_cli.errors import ClcapError
from clcap_cli.segmentation.subwords import (
    limited_encoder,
    parse_tokenizer_json,
    read_tokenizer_json,
    tokenizer_errors,
)
from clcap_cli.tokenizers.tokenizer import Tokenizer

START_TOKENS = ("<s>", "[CLS]", "[BOS]", "<bos>", "<|startoftext|>", "<|begin_of_text|>", "<|endoftext|>")
END_TOKENS = ("</s>", "[SEP]", "[EOS]", "<eos>", "<|endoftext|>", "<|end_of_text|>")
UNKNOWN_TOKENS = ("<unk>", "[UNK]")
"""Special tokens of common tokenizers; the first that a tokenizer has is used."""

PROBE_CAPTION = "a dog runs on grass"
"""Caption that encoding and decoding must reproduce, except for spaces."""


class HuggingFaceTokenizer(Tokenizer):
    """A tokenizer from a ``tokenizer.json`` that has a special token for the end of a text."""

    kind: ClassVar[str] = "huggingface"

    def __init__(self, content: str, name: str):
        """Create the tokenizer from ``content``, the text of a tokenizer.json; ``name`` is used in messages.

        Raises ClcapError if ``content`` is invalid, or if it has no token for the end of a text.
        """
        self.name, self.content, self.pipeline = name, content, parse_tokenizer_json(content, name)
        self._limited_encode = limited_encoder(self.pipeline, name)
        self.size = self.pipeline.get_vocab_size()
        special = {token.content: id for id, token in self.pipeline.get_added_tokens_decoder().items() if token.special}
        end = _first_id(END_TOKENS, special)
        if end is None:
            raise ClcapError(f"{name} has no token for the end of a caption; expected one of {', '.join(END_TOKENS)}")
        start = _first_id(START_TOKENS, special)
        self.end, self.unknown = end, _first_id(UNKNOWN_TOKENS, self.pipeline.get_vocab())
        self.start = self.size if start is None else start
        excluded = {*special.values(), self.unknown} - {end, None}
        self.never_generated = tuple(sorted(id for id in excluded if id is not None))
        self._check_decoder(name)

    def encode(self, caption: str) -> list[int]:
        """See Tokenizer."""
        return list(self._limited_encode(caption).ids)

    def decode(self, tokens: Iterable[int]) -> str:
        """See Tokenizer."""
        with tokenizer_errors(self.name):
            return self.pipeline.decode(list(tokens), skip_special_tokens=True).strip()

    def _check_decoder(self, name: str) -> None:
        """Raise ClcapError if decoding does not join subwords into words."""
        tokens = self.encode(PROBE_CAPTION)
        if self.unknown not in tokens and "".join(self.decode(tokens).split()).lower() != "".join(
            PROBE_CAPTION.split()
        ):
            raise ClcapError(
                f"{name} has no suitable decoder: it decodes the tokens of '{PROBE_CAPTION}' as '{self.decode(tokens)}'"
            )

    def record(self) -> dict[str, Any]:
        """See Tokenizer."""
        return {"kind": self.kind, "json": self.content}


def read_tokenizer(path: Path) -> HuggingFaceTokenizer:
    """Read a ``tokenizer.json``.

    Raises ClcapError if it is missing or invalid.
    """
    return HuggingFaceTokenizer(read_tokenizer_json(path), str(path))


def _first_id(names: Iterable[str], ids: dict[str, int]) -> int | None:
    return next((ids[name] for name in names if name in ids), None)
