"""Objects that captions name: words for COCO's objects, and phrases that only contain such a word."""

import json
import random
import re
import zipfile

import pytest

from clcap_cli.metrics.java import pycocoevalcap_folder
from clcap_cli.metrics.object_names import listed_phrases, object_list, objects_in, plural

CAPTIONS = {
    "A man eats a hot dog and two hotdogs at a dining table.": ["person", "hot dog", "hot dog", "dining table"],
    "A teddy bear and a polar bear": ["teddy bear", "bear"],
    "a bear": ["bear|teddy bear"],
    "a batter runs to home plate": ["person"],
    "train tracks near a train station": [],
    "The train car is on the train track": ["train"],
    "an orange cat": ["cat"],
    "slices of orange and two oranges": ["orange", "orange"],
    "a pitcher of water and the pitcher throws a ball": ["person", "sports ball"],
    "A child's bedroom with bunk beds": ["bed"],
    "glasses of red wine, a woman in glasses": ["wine glass", "person"],
    "women on couches; people, children, knives, sheep, geese": [
        "person", "couch", "person", "person", "knife", "sheep", "bird",
    ],
    "a baby elephant and its mother": ["elephant", "person|bird|cat|dog|horse|sheep|cow|elephant|bear|zebra|giraffe"],
    "a bike": ["bicycle|motorcycle"],
    "a statue of a horse, a toy car, a cow statue, a motorcycle without a rider": ["motorcycle"],
    "an apple laptop beside an apple": ["laptop", "apple"],
    "he ties his shoe and wears a tie": ["tie"],
    "a bathroom with a toilet bowl, toilet paper and a sink": ["toilet", "sink"],
    "a zebra crossing the road at the zebra crossing": ["zebra"],
    "a TV remote in a remote area": ["remote"],
    "STOP SIGN and a traffic-light": ["stop sign", "traffic light"],
    "a computer mouse, a mouse pad and Mickey Mouse": ["mouse"],
    "a bird house, a bird's eye view, a flower bed, carrot cake": ["cake"],
    "a stuffed dog and a stuffed animal": ["teddy bear"],
    "nothing at all": [],
    "": [],
}  # fmt: skip


@pytest.mark.parametrize("caption", CAPTIONS)
def test_objects_of_a_caption(caption: str) -> None:
    found = ["|".join(names) for names in objects_in(caption)]
    assert found == CAPTIONS[caption]


def test_the_list_has_every_object_of_coco() -> None:
    assert len(object_list()) == 80
    for name in object_list():
        assert objects_in(f"the {name}") == [(name,)] or name in ("bear", "orange"), name


def test_the_list_is_well_formed() -> None:
    phrases = listed_phrases()
    assert len(phrases) > 1500
    for phrase, names in phrases.items():
        assert re.fullmatch("[a-z]+( [a-z]+)*", phrase), phrase
        assert len(set(names)) == len(names), phrase


def test_phrases_without_an_object_contain_a_word_for_one() -> None:
    """A phrase that contains none would have no effect."""
    phrases = listed_phrases()
    words = {phrase for phrase, names in phrases.items() if names}
    forms = words | {plural(phrase) for phrase in words}
    for phrase in (phrase for phrase, names in phrases.items() if not names):
        parts = phrase.split()
        inside = {" ".join(parts[at:end]) for at in range(len(parts)) for end in range(at + 1, len(parts) + 1)}
        assert forms & inside, phrase


def test_plurals_are_regular() -> None:
    plurals = {
        "bench": "benches",
        "puppy": "puppies",
        "boy": "boys",
        "glass of wine": "glasses of wine",
        "bus": "buses",
    }
    assert {word: plural(word) for word in plurals} == plurals


def test_objects_of_cocos_captions_are_seldom_alone() -> None:
    """Few objects in people's captions are named by no other caption of the image; most of these are small ones."""
    with zipfile.ZipFile(pycocoevalcap_folder("spice") / "spice-1.0.jar") as jar:
        annotations = json.loads(jar.read("coco/annotations/captions_val2014.json"))["annotations"]
    by_image: dict[int, list[str]] = {}
    for one in annotations:
        by_image.setdefault(one["image_id"], []).append(one["caption"])
    alone = mentioned = 0
    for captions in random.Random(0).sample(list(by_image.values()), 1000):
        objects = [objects_in(caption) for caption in captions]
        for at, own in enumerate(objects):
            others = {name for group in (*objects[:at], *objects[at + 1 :]) for names in group for name in names}
            mentioned += len(own)
            alone += sum(others.isdisjoint(names) for names in own)
    assert mentioned / 5000 > 1.3
    assert alone / mentioned < 0.08
