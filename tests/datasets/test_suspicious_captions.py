"""Warnings about captions that are probably not what their author wrote."""

import json
from pathlib import Path

import pytest

from clcap_cli.datasets.records import CaptionFile, CaptionRecord
from clcap_cli.datasets.suspicious_captions import suspicious_captions

SUSPICIOUS = {
    "contains special tokens": [
        "<s> two dogs play </s> <pad>", "<start> a dog <end>", "[CLS] a dog [SEP]", "a dog<|endoftext|>", "a <unk> dog",
        "<BOS>a dog<EOS>",
    ],
    "consists of subword tokens": ["▁a ▁dog", "a Ġdog Ġruns", "aĠdog", "a skate ##board", "a skate@@ board"],
    "contains HTML": ["<p>a dog</p>", "a dog &amp; a cat", "a dog<br/>runs", "it&#39;s a dog", '<a href="x">dog</a>'],
    "looks like a missing value written as text": [
        "nan", "NaN", "NULL", "None", "N/A", "n/a", "#N/A", "-", "--", "#NAME?", "''", '""', " <NA> ", "...",
    ],
    "was decoded with the wrong encoding": [
        "die StraÃŸe", "er lÃ¤uft", "a dogâ€™s ball", "pÃªche", "a caf\ufffd", "Ð¡Ð¾Ð±Ð°ÐºÐ°",
        "男孩".encode().decode("latin-1"), "ðŸ˜€ smile", "a dog‚Äôs",
        "KrÃ¡snÃ½ pes", "\xc5\x82\xc3\xb3d\xc5\xba", "Â°C",
    ],
}  # fmt: skip
FINE = [
    "a dog & a cat", "R&B; a band", "5 < 6 and 7 > 3", "I <3 dogs", "[laughs] a dog", "a none-stick pan", "nan bread",
    "none of the dogs", "a #1 player @ home", "die Straße im Café", "„ÜBER“ CAFÉ” und É…", "São João à noite", "MAÇÃ",
    "пёс бежит", "一只狗", "एक लड़का", "pêche à l’été", "a – b", "no entry", "UNK dog", "x", "Ħaż-Żebbuġ, Ġgantija",
]  # fmt: skip


def warnings_of(*captions: list[str]) -> list[str]:
    records = [CaptionRecord(row, group, location=f"row {row}") for row, group in enumerate(captions, 1)]
    return suspicious_captions(CaptionFile(Path("x.csv"), "CSV", records))


@pytest.mark.parametrize(("flaw", "text"), [(flaw, text) for flaw, texts in SUSPICIOUS.items() for text in texts])
def test_a_suspicious_caption_is_named_with_its_row(flaw: str, text: str) -> None:
    (warning,) = warnings_of(["a dog runs"], [text])
    assert warning.startswith(f"1 of 2 captions {flaw}, such as '{text}' in row 2; ")


@pytest.mark.parametrize("text", FINE)
def test_unusual_but_right_captions_are_not_suspicious(text: str) -> None:
    assert warnings_of([text]) == []


def test_lists_of_single_words_are_suspicious() -> None:
    tokens = ["a", "red", "tram", "crosses"]
    assert warnings_of(tokens, tokens, ["a dog"]) == [
        "2 lists of captions look like lists of tokens, such as 'a, red, tram, crosses' in row 1, and each word was "
        "read as a caption; join the tokens with spaces"
    ]
    assert warnings_of(["一只", "狗", "在", "草地", "上"])
    assert not warnings_of(["一只狗在草地上", "狗在跑步呢"], ["a dog", "tram"], ["dog"])
    assert not warnings_of(tokens, ["a dog", "the dog"])


def test_stages_warn_about_suspicious_captions(clcap, tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    rows = [("a.jpg", "<s> a dog </s>", "train"), ("b.jpg", "nan", "train"), ("c.jpg", "a dog", "val")]
    path.write_text("".join(json.dumps({"image": i, "caption": c, "split": s}) + "\n" for i, c, s in rows))
    result = clcap("prepare-captions", path, "--min-count", 1, "--out", tmp_path / "c.h5")
    assert result.status == 0
    assert (
        f"warning: {path}: 1 of 3 captions contains special tokens, such as '<s> a dog </s>' in line 1; " in result.err
    )
    assert (
        f"warning: {path}: 1 of 3 captions looks like a missing value written as text, such as 'nan' in line 2"
        in result.err
    )
    assert "warning:  1 of 3 captions looks like a missing value written as text" in clcap("inspect", path).out
    other = tmp_path / "r.csv"
    other.write_text("image,caption\na.jpg,a dog\nb.jpg,a cat &amp; a dog\nc.jpg,a dog\n")
    arguments = ("--references", other, "--metrics", "ROUGE_L", "--out", tmp_path / "m.json")
    result = clcap("evaluate", "--predictions", path, *arguments)
    assert result.status == 0
    assert f"warning: {path}: 1 of 3 captions contains special tokens" in result.err
    assert f"warning: {other}: 1 of 3 captions contains HTML" in result.err
