"""What each figure means, which way is better, and how it is written."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

HIGHER: Literal[1] = 1
LOWER: Literal[-1] = -1
NEITHER: Literal[0] = 0


@dataclass(frozen=True)
class Meaning:
    """What is to be known of a figure that files have."""

    name: str
    meaning: str
    better: Literal[1, -1, 0]
    """1 where higher is better, -1 where lower is, 0 where neither."""
    digits: int = 3
    """Behind the point; a count has some when it is a mean."""

    def written(self, value: float) -> str:
        """A value as people read it; counts are whole."""
        return str(value) if isinstance(value, int) else f"{value:.{self.digits}f}"

    @property
    def direction(self) -> str:
        """Which way is better, in words; empty where neither is."""
        return {1: "higher is better", -1: "lower is better", 0: ""}[self.better]


RANKS = (
    Meaning("median_rank", "Rank at which half of the captions have found their image; from 1.", LOWER, 1),
    Meaning("mean_rank", "Mean rank at which a caption finds its image; from 1.", LOWER, 2),
)
QUALITY = (
    Meaning("CIDEr", "Agreement with the references in telling n-grams; 0 to 10.", HIGHER),
    Meaning("SPICE", "Agreement in objects, attributes and relations; 0 to 1.", HIGHER),
    Meaning("METEOR", "Aligned words, stems and synonyms; 0 to 1.", HIGHER),
    Meaning("ROUGE_L", "Longest common subsequence with a reference; 0 to 1.", HIGHER),
    *(Meaning(f"BLEU-{n}", f"Precision of n-grams up to {n} words; 0 to 1.", HIGHER) for n in (1, 2, 3, 4)),
)
DISTINCTIVENESS = (
    Meaning("CIDErBtw", "CIDEr of a caption with the references of similar images; 0 to 10.", LOWER),
    Meaning("unique_captions", "Captions that differ from each other.", HIGHER, 1),
    Meaning("unique_share", "Unique captions as a share of all; 0 to 1.", HIGHER),
    Meaning("novel_share", "Captions that are no caption of the training split; 0 to 1.", HIGHER),
    Meaning("distinct_1", "Different words as a share of all words; 0 to 1.", HIGHER),
    Meaning("distinct_2", "Different word pairs as a share of all pairs; 0 to 1.", HIGHER),
    Meaning("vocabulary_used", "Different words in all captions.", HIGHER, 1),
    Meaning("vocabulary_share_of_training", "Used words as a share of the training vocabulary; 0 to 1.", HIGHER),
    Meaning("vocabulary_share_of_references", "Used words as a share of the references'; 0 to 1.", HIGHER),
    Meaning("repeated_bigrams", "Word pairs that a caption says again; 0 to 1.", LOWER),
    Meaning("mean_length", "Words in a caption, on average.", NEITHER, 2),
    Meaning("words_top_100", "Words among the 100 most frequent of training; 0 to 1.", NEITHER),
    Meaning("words_101_to_1000", "Words among the next 900; 0 to 1.", NEITHER),
    Meaning("words_rarer", "Words that are rarer; 0 to 1.", NEITHER),
)
OTHER = (
    Meaning("images", "Images that were captioned.", NEITHER, 1),
    Meaning("captions_in_a_tie", "Captions that score another image the same as theirs.", NEITHER, 1),
)
GROUPS = {"Self-retrieval": RANKS, "Against what people wrote": QUALITY, "Distinctiveness": DISTINCTIVENESS}
THE_REST = "Other figures"


def grouped(names: Iterable[str]) -> dict[str, list[Meaning]]:
    """The figures called ``names`` under the headings they belong to, R@k by k, unknown ones last."""
    present = set(names)
    found = {title: [figure for figure in known if figure.name in present] for title, known in GROUPS.items()}
    found["Self-retrieval"][:0] = _recalls(present)
    told = {figure.name for figures in found.values() for figure in figures}
    rest = {name: Meaning(name, "", NEITHER) for name in dict.fromkeys(names) if name not in told}
    rest |= {figure.name: figure for figure in OTHER if figure.name in rest}
    found[THE_REST] = list(rest.values())
    return {title: figures for title, figures in found.items() if figures}


def meanings_of(names: Iterable[str]) -> list[Meaning]:
    """What is to be known of the figures called ``names``, in their order."""
    names = list(names)
    known = {figure.name: figure for figures in grouped(names).values() for figure in figures}
    return [known[name] for name in dict.fromkeys(names)]


def _recalls(names: set[str]) -> list[Meaning]:
    ks = sorted(int(match[1]) for name in names if (match := re.fullmatch(r"R@([1-9]\d{0,8})", name)))
    return [Meaning(f"R@{k}", f"Captions whose image is {_among(k)}; 0 to 1.", HIGHER) for k in ks]


def _among(k: int) -> str:
    return "the first that they find" if k == 1 else f"among the first {k} that they find"
