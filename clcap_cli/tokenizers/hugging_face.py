"""Subword tokenizers of Hugging Face's ``tokenizers`` library, such as byte-level BPE, WordPiece and Unigram."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field

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


TokenId = Annotated[int, Field(ge=0, le=2**24)]


class CaptionFormat(BaseModel, frozen=True, extra="forbid", strict=True):
    """How a pretrained captioner frames captions, which its tokenizer.json does not say."""

    start: TokenId
    """Id of the token before the prompt, or before the caption if there is no prompt."""
    end: TokenId
    """Id of the token that ends a caption."""
    size: Annotated[int, Field(ge=1, le=2**24)]
    """Number of tokens that the captioner predicts; it can be more than the tokenizer has."""
    prompt: str = ""
    """Text that each caption continues."""


class HuggingFaceTokenizer(Tokenizer):
    """A tokenizer from a ``tokenizer.json``; with a prompt, captions are encoded as its continuation."""

    kind: ClassVar[str] = "huggingface"

    def __init__(self, content: str, name: str, format: CaptionFormat | None = None):
        """Create the tokenizer from ``content``, the text of a tokenizer.json; ``name`` is used in messages.

        Without a ``format``, a caption has no prompt, and its start and end are the first of ``START_TOKENS`` and
        ``END_TOKENS`` that the tokenizer has.

        Raises ClcapError if ``content`` is invalid, if the end of a caption has no token, or if the format does not
        fit.
        """
        self.name, self.content, self.pipeline = name, content, parse_tokenizer_json(content, name)
        self._limited_encode = limited_encoder(self.pipeline, name)
        special = {token.content: id for id, token in self.pipeline.get_added_tokens_decoder().items() if token.special}
        self.given_format, self.format = format, format or self._usual_format(special)
        self.size, self.end = self.format.size, self.format.end
        self._prompt_ids = list(self._limited_encode(self.format.prompt).ids)
        *before, self.start = [self.format.start, *self._prompt_ids]
        self.prompt = tuple(before)
        """Ids of the tokens that a captioner reads before ``start``."""
        ids = self.pipeline.get_vocab()
        self.unknown = _first_id(UNKNOWN_TOKENS, ids)
        unused = set(range(self.size)) - {*ids.values()}
        excluded = {*special.values(), *unused, self.unknown} - {self.end, None}
        self.never_generated = tuple(sorted(id for id in excluded if id is not None))
        self._check_format()
        self._check_decoder(name)

    def encode(self, caption: str) -> list[int]:
        """See Tokenizer."""
        # Tokens can contain the space before a word, so the caption is encoded together with the prompt.
        text = f"{self.format.prompt} {caption}".rstrip() if self._prompt_ids else caption
        return list(self._limited_encode(text).ids)[len(self._prompt_ids) :]

    def decode(self, tokens: Iterable[int]) -> str:
        """See Tokenizer."""
        with tokenizer_errors(self.name):
            return self.pipeline.decode(list(tokens), skip_special_tokens=True).strip()

    def _usual_format(self, special: dict[str, int]) -> CaptionFormat:
        end, start = _first_id(END_TOKENS, special), _first_id(START_TOKENS, special)
        if end is None:
            raise ClcapError(
                f"{self.name} has no token for the end of a caption; expected one of {', '.join(END_TOKENS)}"
            )
        size = self.pipeline.get_vocab_size()
        return CaptionFormat(start=size if start is None else start, end=end, size=size)

    def _check_format(self) -> None:
        """Raise ClcapError if the tokenizer has ids that cannot be predicted, or a prompt that it cannot encode."""
        largest = max([*self.pipeline.get_vocab().values(), self.end])
        if largest >= self.size:
            raise ClcapError(f"{self.name} has the token {largest}, but the model predicts only {self.size} tokens")
        prompt = self.format.prompt
        if self.unknown in self._prompt_ids:
            raise ClcapError(f"{self.name} does not know all words of the prompt '{prompt}'")
        continued = self._limited_encode(f"{prompt} {PROBE_CAPTION}").ids
        if self._prompt_ids and list(continued[: len(self._prompt_ids)]) != self._prompt_ids:
            raise ClcapError(f"{self.name} encodes the end of the prompt '{prompt}' together with the caption")

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
        # Without a format if none was given, so that tokenizers of earlier versions keep their ids.
        format = {"format": self.given_format.model_dump()} if self.given_format else {}
        return {"kind": self.kind, "json": self.content, **format}


def read_tokenizer(path: Path) -> HuggingFaceTokenizer:
    """Read a ``tokenizer.json``.

    Raises ClcapError if it is missing or invalid.
    """
    return HuggingFaceTokenizer(read_tokenizer_json(path), str(path))


def _first_id(names: Iterable[str], ids: dict[str, int]) -> int | None:
    return next((ids[name] for name in names if name in ids), None)
