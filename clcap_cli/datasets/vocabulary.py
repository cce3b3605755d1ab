"""Words and their numbers."""

from collections import Counter
from collections.abc import Iterable, Sequence

END = 0
UNK = 1
SPECIAL = ("<end>", "<unk>")


class Vocabulary:
    """The words that a captioner can write, most frequent first, after END (0) and UNK (1).

    A captioner's output is a distribution over exactly these entries. START is an input only and has no entry.
    """

    def __init__(self, words: Sequence[str]):
        self.words = [*SPECIAL, *words]
        self._number = {word: number for number, word in enumerate(self.words)}

    @classmethod
    def count(cls, captions: Iterable[Sequence[str]], min_count: int) -> "Vocabulary":
        """The words that occur at least ``min_count`` times in ``captions``."""
        counts = Counter(word for words in captions for word in words)
        kept = [(count, word) for word, count in counts.items() if count >= min_count]
        return cls([word for count, word in sorted(kept, key=lambda pair: (-pair[0], pair[1]))])

    def __len__(self) -> int:
        return len(self.words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.words == other.words

    def __hash__(self) -> int:
        return hash(tuple(self.words))

    def encode(self, words: Iterable[str]) -> list[int]:
        """Numbers for words; a word outside the vocabulary is UNK."""
        return [self._number.get(word, UNK) for word in words]

    def decode(self, numbers: Iterable[int]) -> str:
        """The caption that the numbers spell."""
        return " ".join(self.words[number] for number in numbers)
