"""Objects of COCO that English captions name.

``object_names.txt`` lists words for the 80 objects of COCO's annotations. It was written for clcap, by reading COCO's
captions. The longest phrase at a position wins: a "hot dog" is no dog, and a "train track" is no train.
"""

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

Names = tuple[str, ...]
"""Objects that a phrase can stand for: one, several for an ambiguous word such as "bike", none for "train track"."""
NO_OBJECT = "-"
ANIMALS = frozenset(("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"))
OF_ANIMALS = ("baby", "mother", "mama", "adult", "mother and baby", "mother and her baby", "male", "female")
"""Words before the name of an animal that would otherwise stand for a person."""
ABSENT = ("no", "without", "without a", "without any")
IMITATIONS = ("toy", "fake", "model", "cartoon", "lego", "inflatable", "cardboard")
ANIMAL_IMITATIONS = (
    "stuffed",
    "stuffed toy",
    "stuffed animal",
    "plush",
    "rubber",
    "wooden",
    "ceramic",
    "plastic",
    "metal",
)
DEPICTIONS = ("statue of", "statues of", "sculpture of", "painting of", "drawing of", "portrait of", "shape of")
LIKENESSES = ("shaped like", "looks like", "dressed as", "dressed like", "dressed up as", "dressed up like")
AS_IF = tuple(f"{words}{article}" for words in (*DEPICTIONS, *LIKENESSES) for article in ("", " a", " an", " the"))
BEFORE = tuple(f" {words}" for words in (*ABSENT, *IMITATIONS, *AS_IF))
"""Words before the name of an object that is not there itself."""
BEFORE_ANIMAL = (*BEFORE, *(f" {words}" for words in ANIMAL_IMITATIONS))
AFTER = ("statue", "sculpture", "figurine", "figure", "shaped", "print", "costume", "themed", "sign", "toy", "logo")
"""Words after the name of an object that make it another thing."""


def objects_in(text: str) -> list[Names]:
    """What each phrase of a caption that names an object can stand for, in order; repeated phrases count again."""
    words, found, start = re.findall("[a-z]+", text.lower()), [], 0
    while start < len(words):
        end = start + _phrase_length(words, start)
        names = _phrases().get(" ".join(words[start:end]), ())
        if names and not _is_another_thing(words, start, end, names):
            found.append(names)
        start = end
    return found


def _phrase_length(words: Sequence[str], start: int) -> int:
    """The number of words of the longest known phrase at ``start``; 1 if there is none."""
    longest = min(_longest().get(words[start], 0), len(words) - start)
    lengths = range(longest, 0, -1)
    return next((length for length in lengths if " ".join(words[start : start + length]) in _phrases()), 1)


def _is_another_thing(words: Sequence[str], start: int, end: int, names: Names) -> bool:
    """Whether the words around an object's name say that it is missing or only depicted."""
    before = f" {' '.join(words[max(0, start - 5) : start])}"
    after = words[end] if end < len(words) else ""
    return after in _after() or before.endswith(BEFORE_ANIMAL if ANIMALS.intersection(names) else BEFORE)


@cache
def object_list() -> frozenset[str]:
    """The names of COCO's 80 objects."""
    return frozenset(name for names in listed_phrases().values() for name in names)


@cache
def _after() -> frozenset[str]:
    return frozenset(form for word in AFTER for form in (word, plural(word)))


@cache
def _longest() -> dict[str, int]:
    """The number of words of the longest phrase that starts with each word."""
    longest: dict[str, int] = {}
    for phrase in _phrases():
        words = phrase.split()
        longest[words[0]] = max(longest.get(words[0], 0), len(words))
    return longest


@cache
def _phrases() -> dict[str, Names]:
    """The phrases of the list, their plurals, and names of animals such as "baby elephant"."""
    listed = listed_phrases()
    forms = {plural(phrase): names for phrase, names in listed.items()} | listed
    animals = [(phrase, names) for phrase, names in forms.items() if ANIMALS.issuperset(names) and names]
    return {f"{word} {phrase}": names for phrase, names in animals for word in OF_ANIMALS} | forms


def plural(phrase: str) -> str:
    """The phrase with its last word, or the word before "of", in the regular plural."""
    head, of, rest = phrase.partition(" of ")
    if re.search("(s|x|z|ch|sh)$", head):
        ending = head + "es"
    else:
        ending = head[:-1] + "ies" if re.search("[^aeiou]y$", head) else head + "s"
    return ending + of + rest


@cache
def listed_phrases() -> dict[str, Names]:
    """The phrases of the list; raises ValueError for one that is listed twice."""
    listed: dict[str, Names] = {}
    for line in (files("clcap_cli.metrics") / "object_names.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            names, _, phrases = line.partition(": ")
            objects = () if names == NO_OBJECT else tuple(names.split(" | "))
            for phrase in phrases.split(", "):
                if phrase in listed:
                    raise ValueError(f"object_names.txt lists '{phrase}' twice")
                listed[phrase] = objects
    return listed
