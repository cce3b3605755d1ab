"""Words of captions in many scripts; English captions keep the words of the first version's rule."""

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.segmentation.words import split_words
from tests.conftest import real_data


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("A man's dog.", ["a", "mans", "dog"]),
        ("black-and-white, T-shirt!", ["black", "and", "white", "t", "shirt"]),
        ("  two\nlines\t ", ["two", "lines"]),
        ("“café” no_1 — 日本", ["café", "no", "1", "日本"]),
        ("...", []),
        ("", []),
        ("l’été, l'eau", ["lété", "leau"]),
        ("un co\u00adde", ["un", "code"]),
        ("❤\ufe0f dog 👩\u200d👧", ["dog"]),
    ],
)
def test_words(caption: str, words: list[str]) -> None:
    assert split_words(caption) == words


@pytest.mark.parametrize(
    "caption",
    [
        "एक लड़का साइकिल चला रहा है",
        "เด็ก ผู้ชาย กำลัง ขี่ จักรยาน",
        "وَلَدٌ يَرْكَبُ دَرَّاجَةً",
        "একটি ছেলে সাইকেল চালাচ্ছে",
        "ஒரு சிறுவன் மிதிவண்டி",
        "יֶלֶד רוֹכֵב עַל אוֹפַנַּיִם",
        "پسری می\u200cرود",
        "ක්\u200dරීඩා කරයි",
        "một cậu bé đi xe đạp",
        "한 소년이 자전거를 타고 있다",
        "ልጅ ብስክሌት ይነዳል",
    ],
)
def test_letters_keep_marks_and_joiners(caption: str) -> None:
    assert split_words(caption) == unicodedata.normalize("NFC", caption).split()
    assert split_words(f"«{caption}!»") == split_words(caption)


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("İstanbul'da IŞIK", ["istanbulda", "işik"]),
        ("I\u0307stanbul ışık", ["istanbul", "ışık"]),
        ("צה״ל ג׳ירפה", ["צהל", "גירפה"]),
        ("\u200dपानी\u200d\u200c", ["पानी"]),
    ],
)
def test_special_letters(caption: str, words: list[str]) -> None:
    assert split_words(caption) == words


@given(st.text())
def test_composed_and_decomposed_text_have_the_same_words(caption: str) -> None:
    words = split_words(unicodedata.normalize("NFC", caption))
    assert words == split_words(unicodedata.normalize("NFD", caption))
    assert split_words(" ".join(words)) == words
    assert all(unicodedata.is_normalized("NFC", word) and word.split() == [word] for word in words)


def words_of_the_first_version(caption: str) -> list[str]:
    return re.sub(r"[\W_]+", " ", re.sub(r"['’`]", "", caption.lower())).split()


@given(st.text(st.characters(codec="ascii")))
def test_ascii_captions_keep_their_words(caption: str) -> None:
    words = words_of_the_first_version(caption)
    assert split_words(caption) == words
    assert split_words(f"{caption} é") == [*words, "é"]


def test_the_captions_of_coco_keep_their_words() -> None:
    files = sorted(real_data("coco-mini").rglob("*captions*.json"))
    captions = [entry["caption"] for file in files for entry in json.loads(file.read_text())["annotations"]]
    assert len(captions) > 100
    assert list(map(split_words, captions)) == list(map(words_of_the_first_version, captions))
