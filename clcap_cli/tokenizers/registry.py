"""Building tokenizers from their records in checkpoints."""

from typing import Any

from pydantic import TypeAdapter

from clcap_cli.errors import unknown_name_error
from clcap_cli.segmentation.registry import segmenter_from_record
from clcap_cli.segmentation.words import SEGMENTER as WORDS
from clcap_cli.tokenizers.hugging_face import CaptionFormat, HuggingFaceTokenizer
from clcap_cli.tokenizers.tokenizer import Tokenizer
from clcap_cli.tokenizers.words import WordTokenizer

TOKENIZER_KINDS = (WordTokenizer.kind, HuggingFaceTokenizer.kind)


def build_tokenizer(record: dict[str, Any], name: str) -> Tokenizer:
    """Build the tokenizer that ``record`` describes; ``name`` is used in messages.

    Raises ClcapError for an unknown kind, and pydantic's ValidationError or KeyError for a damaged record.
    """
    kind = TypeAdapter(str).validate_python(record["kind"])
    if kind == WordTokenizer.kind:
        words = TypeAdapter(list[str]).validate_python(record["words"])
        segmentation = TypeAdapter(dict[str, str]).validate_python(record.get("segmentation", WORDS.record()))
        return WordTokenizer(words, segmenter_from_record(segmentation, name))
    if kind == HuggingFaceTokenizer.kind:
        format = CaptionFormat.model_validate(record["format"]) if "format" in record else None
        return HuggingFaceTokenizer(TypeAdapter(str).validate_python(record["json"]), name, format)
    raise unknown_name_error("tokenizer", kind, TOKENIZER_KINDS)
