"""Subwords of a tokenizer.json of Hugging Face's ``tokenizers`` library."""

import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.digests import digest_of_json
from clcap_cli.errors import ClcapError
from clcap_cli.extras import import_optional
from clcap_cli.file_kinds.recognition import wrong_file_error
from clcap_cli.input_files import check_readable
from clcap_cli.segmentation.segmenter import Segmenter
from clcap_cli.segmentation.tokenizer_growth import check_growth, check_length, longest_text
from clcap_cli.segmentation.tokenizer_trial import check_tokenizer

if TYPE_CHECKING:
    from tokenizers import Encoding
    from tokenizers import Tokenizer as Pipeline


def parse_tokenizer_json(content: str, name: str) -> "Pipeline":
    """The tokenizer of a tokenizer.json, without padding, truncation and special tokens in texts.

    ``name`` is used in messages. Raises ClcapError if ``content`` is invalid, exceeds limits of memory or time,
    or the library is not installed.
    """
    tokenizers = import_optional("tokenizers", name)
    check_tokenizer(content, name)
    try:
        pipeline: Pipeline = tokenizers.Tokenizer.from_str(content)
    except Exception as error:  # the library raises plain Exceptions
        reader = f"tokenizers {tokenizers.__version__}"
        advice = "if a newer version wrote it, upgrade the package"
        raise ClcapError(f"{name} is not a tokenizer.json that {reader} reads: {error}; {advice}") from error
    check_growth(pipeline, name)
    pipeline.no_padding()
    pipeline.no_truncation()
    pipeline.encode_special_tokens = True  # so that "</s>" in a caption does not end it
    return pipeline


@contextmanager
def tokenizer_errors(name: str) -> Iterator[None]:
    """Turn errors of the library while it encodes or decodes into ClcapError; ``name`` is used in messages.

    A crash of its Rust code, such as that of a regular expression with too many ways to match, is no Exception.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ClcapError(f"{name} is not a usable tokenizer: {error}") from error


def limited_encoder(pipeline: "Pipeline", name: str) -> Callable[[str], "Encoding"]:
    """A function that encodes a text without special tokens; ``name`` is used in messages.

    It raises ClcapError if the text is too long for the tokenizer, or if the library fails.
    """
    longest = longest_text(pipeline)

    def encode(text: str) -> "Encoding":
        check_length(text, longest, name)
        with tokenizer_errors(name):
            return pipeline.encode(text, add_special_tokens=False)

    return encode


def read_tokenizer_json(path: Path) -> str:
    """The content of a tokenizer.json; raises ClcapError if it is missing or another file."""
    check_readable(path)
    content = path.read_text(encoding="utf-8", errors="replace")
    if not _has_model(content):
        raise wrong_file_error(path, "a tokenizer.json of Hugging Face")
    return content


def _has_model(content: str) -> bool:
    """Whether the text is a JSON object that describes a model, as every tokenizer.json does."""
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(parsed, dict) and isinstance(parsed.get("model"), dict)


@cache
def subword_segmenter(content: str, name: str) -> Segmenter:
    """The segmenter that splits captions into the tokens of a tokenizer.json; ``name`` is used in messages.

    An unknown word is a token of its own. Raises ClcapError if ``content`` is invalid.
    """
    pipeline = parse_tokenizer_json(content, name)
    unknown, encode = getattr(pipeline.model, "unk_token", None), limited_encoder(pipeline, name)

    def split(caption: str) -> list[str]:
        composed = unicodedata.normalize("NFC", caption)
        encoding = encode(composed)
        pairs = zip(encoding.tokens, encoding.offsets, strict=True)
        return [composed[slice(*span)] if token == unknown else token for token, span in pairs]

    def join(tokens: Iterable[str]) -> str:
        with tokenizer_errors(name):
            return pipeline.decoder.decode(list(tokens)).strip() if pipeline.decoder else " ".join(tokens)

    return Segmenter(
        name=f"tokenizer.json#{digest_of_json(content)[:8]}",
        split=split,
        join=join,
        unit="tokens",
        modules=("tokenizers",),
        tokenizer_json=content,
    )
