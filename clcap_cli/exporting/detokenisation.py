"""The tokenizer of a captioner as a file, and the Python expression that turns its tokens into a caption.

The expression is part of the loader in the model card, which does without clcap.
"""

import json
from dataclasses import dataclass

from clcap_cli.errors import ClcapError
from clcap_cli.segmentation.scripts import CHINESE_AND_JAPANESE, THAI
from clcap_cli.tokenizers.tokenizer import Tokenizer
from clcap_cli.tokenizers.words import WordTokenizer

WORDS = '[CONFIG["vocabulary"][token] for token in tokens]'
WITH_SPACES = f'" ".join({WORDS})'


def _without_spaces_in(script: str) -> str:
    return f'regex.sub(r"(?<=[{script}]) | (?=[{script}])", "", {WITH_SPACES})'


JOINS = {
    "words": WITH_SPACES,
    "whitespace": WITH_SPACES,
    "characters": f'"".join({WORDS}).replace("▁", " ").strip()',
    "jieba": _without_spaces_in(CHINESE_AND_JAPANESE),
    "mecab": _without_spaces_in(CHINESE_AND_JAPANESE),
    "thai": _without_spaces_in(THAI),
}
"""The expression of each segmentation of clcap."""
FROM_FILE = 'Tokenizer.from_file("tokenizer.json")'


@dataclass(frozen=True)
class Detokenisation:
    """What a program without clcap needs to write the captions of a tokenizer."""

    join: str
    """Python expression of a caption, from the list ``tokens`` of its token ids."""
    vocabulary: list[str] | None
    """The tokens by id; None if tokenizer.json has them."""
    tokenizer_json: str
    """Content of tokenizer.json; empty if none is needed."""


def detokenisation_of(tokenizer: Tokenizer) -> Detokenisation:
    """How the tokens of ``tokenizer`` become a caption; raises ClcapError for a segmentation of a package."""
    if not isinstance(tokenizer, WordTokenizer):
        join = f"{FROM_FILE}.decode(tokens, skip_special_tokens=True).strip()"
        return Detokenisation(join, None, tokenizer.record()["json"])
    segmenter = tokenizer.segmenter
    if segmenter.tokenizer_json:
        has_decoder = bool(json.loads(segmenter.tokenizer_json).get("decoder"))
        join = f"{FROM_FILE}.decoder.decode({WORDS}).strip()" if has_decoder else WITH_SPACES
        return Detokenisation(join, tokenizer.tokens, segmenter.tokenizer_json if has_decoder else "")
    if segmenter.name not in JOINS:
        raise ClcapError(
            f"captions split with --tokenize {segmenter.name} cannot be written without the package that adds it, so "
            f"captioners with its tokens are not exported; those of {', '.join(JOINS)} are"
        )
    return Detokenisation(JOINS[segmenter.name], tokenizer.tokens, "")
