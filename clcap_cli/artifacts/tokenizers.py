"""Reading tokenizers from artifacts."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from clcap_cli.artifacts.checks import check_unique
from clcap_cli.errors import damaged_file_error
from clcap_cli.tokenizers.registry import build_tokenizer
from clcap_cli.tokenizers.tokenizer import Tokenizer
from clcap_cli.tokenizers.words import WordTokenizer


def parse_tokenizer(record: dict[str, Any], path: Path) -> Tokenizer:
    """Build the tokenizer from its ``record`` in the file at ``path``.

    Raises ClcapError if the record is damaged or of an unknown kind.
    """
    try:
        tokenizer = build_tokenizer(record, f"the tokenizer of {path}")
    except (KeyError, ValidationError) as error:
        raise damaged_file_error(path, "its tokenizer record is incomplete") from error
    if isinstance(tokenizer, WordTokenizer):
        check_unique(path, "its vocabulary", tokenizer.tokens)
    return tokenizer
