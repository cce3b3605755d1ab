"""Scripts that are written without spaces between words: joining their words, and finding texts that need splitting."""

from collections.abc import Callable, Iterable, Sequence

import regex

CHINESE_AND_JAPANESE = r"\p{Han}\p{Hiragana}\p{Katakana}ー"
THAI = r"\p{Thai}"
SOUTHEAST_ASIAN = r"\p{Line_Break=Complex_Context}"
"""Thai, Lao, Khmer, Myanmar and others."""
WITHOUT_SPACES = CHINESE_AND_JAPANESE + SOUTHEAST_ASIAN
LONG_RUN, LONG_COMPLEX_RUN = 5, 16
"""Lengths from which a run of characters is hardly a single word, in Chinese or Japanese and in the other scripts."""
MANY_UNSEGMENTED = 0.1
"""Share of captions with long runs above which ``unsegmented_advice`` is given."""
SHOWN_LENGTH = 20
"""Number of characters of a long run that messages show."""

_LONG_RUN = regex.compile(
    rf"(?=[{CHINESE_AND_JAPANESE}]*[\p{{Han}}\p{{Hiragana}}])[{CHINESE_AND_JAPANESE}]{{{LONG_RUN},}}"
    rf"|{SOUTHEAST_ASIAN}{{{LONG_COMPLEX_RUN},}}"
)
"""Names in Katakana alone are single words of any length."""


def split_runs(words: Iterable[str], script: str, split: Callable[[str], Iterable[str]]) -> list[str]:
    """Split the runs of characters of ``script`` within words by ``split``, and leave the rest whole.

    Libraries made for one script take letters of others apart, such as the "é" of "café".
    """
    runs = (run for word in words for run in regex.findall(rf"[{script}]+|[^{script}]+", word))
    return [token for run in runs for token in (split(run) if regex.match(rf"[{script}]", run) else [run])]


def join_words(tokens: Iterable[str], script: str) -> str:
    """Join words by spaces, except next to characters of ``script``, which is written without."""
    return regex.sub(rf"(?<=[{script}]) | (?=[{script}])", "", " ".join(tokens))


def unsegmented_advice(captions: Sequence[str], name: str = "captions") -> str:
    """Advice on splitting captions, whose tokens are separated by spaces, into shorter tokens; empty if not needed.

    ``name`` names the captions in the message.
    """
    found = (_LONG_RUN.search(caption) for caption in captions if not caption.isascii())
    runs = [run.group() for run in found if run]
    if len(runs) <= MANY_UNSEGMENTED * len(captions):
        return ""
    return (
        f"{len(runs):,} of {len(captions):,} {name} look unsegmented: long runs of characters without spaces, such as "
        f"'{runs[0][:SHOWN_LENGTH]}', count as one word each; split them with {_suitable_options(''.join(runs))}"
    )


def _suitable_options(text: str) -> str:
    """The values of --tokenize for the script of ``text``."""
    kana, han, thai = (len(regex.findall(rf"\p{{{script}}}", text)) for script in ("Hiragana", "Han", "Thai"))
    names = ["mecab"] if kana else ["thai"] if thai > han else ["jieba"] if han else []
    return " or ".join(f"--tokenize {name}" for name in [*names, "characters"])
