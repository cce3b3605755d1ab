"""Captions that are probably not what their author wrote: markup, missing values, wrong encodings, lists of tokens."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import regex

from clcap_cli.datasets.records import CaptionFile, CaptionRecord, counted

MOST = 0.9
"""Share of lists of single words above which lists are taken for lists of tokens."""
SHOWN_LENGTH = 40
"""Number of characters of a caption that messages show."""
LONGEST_MISSING = 16
"""Maximum number of characters of a missing value, with the spaces around it."""

_HTML_NAMES = r"(?:p|br|b|i|u|a|em|strong|span|div|li|ul|ol|sup|sub|font|img|h[1-6]|td|tr)\b"
_SPECIAL_TOKEN = re.compile(
    rf"<(?i:/?(?!{_HTML_NAMES}|NA>)[a-z]\w*>|\|\w+\|>)"
    r"|\[(?i:/?(?:CLS|SEP|PAD|UNK|MASK|BOS|EOS|SOS|START|END|INST|unused\d+)\])"
)
_SUBWORD = re.compile(r"▁|Ġ(?:(?<=\wĠ)|(?=\w+ ?Ġ))|##(?<!\S##)\w|@@(?<=\w@@)(?!\S)")
"""Marks of SentencePiece, of GPT-2's byte pairs, of WordPiece, and of subword-nmt."""
_HTML = re.compile(rf"<(?i:/?{_HTML_NAMES}[^<>]*>)|&(?i:\#[0-9]{{1,7}}|\#x[0-9a-f]{{1,6}}|[a-z]{{2,8}}[0-9]{{0,2}});")
_MISSING = re.compile(
    r"""\s*(?:nan|null|none|nil|undefined|missing|<na>|\#?n/?a|\#(?:name\?|value!|ref!|null!|num!|div/0!)"""
    r"""|[-\u2013\u2014_.?]+|''|""|``|\[\]|\{\})\s*""",
    re.IGNORECASE,
)
_CONTINUATION = rf"[\x80-\xbf{bytes(range(0x80, 0xC0)).decode('cp1252', 'ignore')}]"
"""A byte of a character in UTF-8 after its first, read as Latin-1 or Windows-1252."""
_WRONG_ENCODING = re.compile(
    r"[\ufffdÂ-ðв\u201a√](?:(?<=\ufffd)|(?<=â)€|(?<=ð)Ÿ|(?<=в)Ђ|(?<=\u201a)Ä[ôòúùì]|(?<=√)[§©®±∂º≥¥]|(?<=[ÂÃ])"
    rf"{_CONTINUATION}|(?<=[Ä-ï])[\x80-\x9f]|(?<=[Ä-ß]){_CONTINUATION}[Ä-ß]{_CONTINUATION}"
    rf"|(?<=[à-ï]){_CONTINUATION}{{2}}[à-ï]{_CONTINUATION}{{2}})"
)
"""UTF-8 that was read as Latin-1, Windows-1252 (and 1251) or Mac Roman, and the replacement character."""
_TOKEN = regex.compile(r"[^\s\p{Han}\p{Hiragana}\p{Katakana}\p{Line_Break=Complex_Context}]+|\S{1,4}")
"""A single word; captions without spaces, as in Chinese, are longer than its words."""


@dataclass(frozen=True)
class _Flaw:
    """A flaw of single captions."""

    has: Callable[[str], object]
    """Function that decides whether a caption has it."""
    singular: str
    plural: str
    advice: str


_FLAWS = (
    _Flaw(
        _SPECIAL_TOKEN.search,
        "contains special tokens",
        "contain special tokens",
        "they count as words; remove those of other programs, such as <s> and [SEP]",
    ),
    _Flaw(
        _SUBWORD.search,
        "consists of subword tokens",
        "consist of subword tokens",
        "decode them to text with the tokenizer that made them",
    ),
    _Flaw(_HTML.search, "contains HTML", "contain HTML", "remove the tags, and replace entities such as &amp;"),
    _Flaw(
        lambda text: len(text) <= LONGEST_MISSING and _MISSING.fullmatch(text),
        "looks like a missing value written as text",
        "look like missing values written as text",
        "such texts are read as captions; remove the rows of missing values",
    ),
    _Flaw(
        lambda text: not text.isascii() and _WRONG_ENCODING.search(text),
        "was decoded with the wrong encoding",
        "were decoded with the wrong encoding",
        "name the file's encoding with --encoding, or repair the text where it was damaged before",
    ),
)


def suspicious_captions(file: CaptionFile) -> list[str]:
    """Warnings about captions of ``file`` that are probably wrong, each with their number, an example and advice."""
    texts = [text for record in file.records for text in record.captions]
    return [*_token_lists(file.records), *(line for flaw in _FLAWS for line in _flawed(file, texts, flaw))]


def _flawed(file: CaptionFile, texts: Sequence[str], flaw: _Flaw) -> Iterator[str]:
    count = sum(1 for text in texts if flaw.has(text))
    if count:
        example, location = next(
            (text, record.location) for record in file.records for text in record.captions if flaw.has(text)
        )
        verb = flaw.singular if count == 1 else flaw.plural
        yield (
            f"{count:,} of {counted(len(texts), 'caption')} {verb}, such as '{_shown(example)}' in {location}; "
            f"{flaw.advice}"
        )


def _token_lists(records: Sequence[CaptionRecord]) -> Iterator[str]:
    """A warning if most lists of captions consist of single words."""
    lists = [record for record in records if len(record.captions) > 1]
    found = [record for record in lists if all(map(_TOKEN.fullmatch, record.captions))]
    if found and len(found) > MOST * len(lists):
        yield (
            f"{counted(len(found), 'list')} of captions {'looks' if len(found) == 1 else 'look'} like lists of tokens, "
            f"such as '{_shown(', '.join(found[0].captions))}' in {found[0].location}, and each word was read as a "
            "caption; join the tokens with spaces"
        )


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}…"
