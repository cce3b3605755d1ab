"""The word tokenizer: a token for each frequent word of the training captions, and one for all other words.

What a word is, the segmentation decides: also a character or a subword can be one.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from clcap_cli.segmentation.segmenter import Segmenter
from clcap_cli.segmentation.words import SEGMENTER as WORDS
from clcap_cli.tokenizers.tokenizer import Tokenizer

END, UNKNOWN = 0, 1
SPECIAL_TOKENS = ("<end>", "<unk>")


class WordTokenizer(Tokenizer):
    """A vocabulary of words, most frequent first, after the end token (0) and the unknown token (1)."""

    kind: ClassVar[str] = "words"
    end, unknown, never_generated = END, UNKNOWN, (UNKNOWN,)

    def __init__(self, words: Sequence[str], segmenter: Segmenter = WORDS):
        self.segmenter = segmenter
        self.tokens = [*SPECIAL_TOKENS, *words]
        self.size = self.start = len(self.tokens)
        self._ids = {word: id for id, word in enumerate(words, len(SPECIAL_TOKENS))}

    @classmethod
    def from_captions(
        cls, captions: Iterable[Sequence[str]], min_count: int, segmenter: Segmenter = WORDS
    ) -> "WordTokenizer":
        """A vocabulary of the words that occur at least ``min_count`` times in ``captions``.

        Each of ``captions`` is a list of the words into which ``segmenter`` splits it.
        """
        counts = Counter(word for words in captions for word in words if word not in SPECIAL_TOKENS)
        frequent = [(count, word) for word, count in counts.items() if count >= min_count]
        return cls([word for count, word in sorted(frequent, key=lambda pair: (-pair[0], pair[1]))], segmenter)

    @property
    def words(self) -> list[str]:
        """The words without the special tokens, most frequent first."""
        return self.tokens[len(SPECIAL_TOKENS) :]

    def frequency_rank(self, token: int) -> int | None:
        """Rank of a word by its frequency in training, 0 for the most frequent; None for the special tokens."""
        return token - len(SPECIAL_TOKENS) if token >= len(SPECIAL_TOKENS) else None

    def encode(self, caption: str) -> list[int]:
        """See Tokenizer."""
        return self.encode_words(self.segmenter.split(caption))

    def encode_words(self, words: Iterable[str]) -> list[int]:
        """Encode words; a word outside the vocabulary becomes the unknown token."""
        return [self._ids.get(word, UNKNOWN) for word in words]

    def decode(self, tokens: Iterable[int]) -> str:
        """See Tokenizer."""
        return self.segmenter.join(self.tokens[token] for token in tokens)

    def record(self) -> dict[str, Any]:
        """See Tokenizer."""
        # Without a segmentation if it is the default, so that tokenizers of earlier versions keep their ids.
        segmentation = {} if self.segmenter == WORDS else {"segmentation": self.segmenter.record()}
        return {"kind": self.kind, "words": self.words, **segmentation}
