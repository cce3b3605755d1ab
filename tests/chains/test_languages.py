"""Captions in many languages run through the whole chain: they are learned, repeated, and score like English ones."""

import json
import unicodedata
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.results import open_results
from clcap_cli.stages.caption import caption
from clcap_cli.stages.evaluate import evaluate
from clcap_cli.stages.import_features import import_features
from clcap_cli.stages.prepare_captions import prepare_captions
from clcap_cli.stages.train_mle import train_mle
from tests.tokenizers.subwords import write_bpe

LANGUAGES: dict[str, tuple[list[str], list[str]]] = {
    "English": (
        ["A boy", "A dog", "A girl", "A cat"],
        ["runs in the park.", "sits on a chair.", "rides a bicycle."],
    ),
    "Hindi": (
        ["एक लड़का", "एक कुत्ता", "एक लड़की", "एक बिल्ली"],
        ["पार्क में दौड़ रहा है।", "कुर्सी पर बैठा है।", "साइकिल चला रहा है।"],
    ),
    "Arabic": (
        ["وَلَدٌ", "كَلْبٌ", "بِنْتٌ", "قِطَّةٌ"],
        ["يَجْرِي فِي الحَدِيقَةِ", "يَجْلِسُ عَلَى الكُرْسِيِّ", "يَرْكَبُ الدَّرَّاجَةَ"],
    ),
    "Turkish": (
        ["İki çocuk", "Bir köpek", "Işıklı kız", "İri bir kedi"],
        ["İstanbul parkında koşuyor.", "sandalyede oturuyor.", "bisiklete biniyor."],
    ),
    "French": (
        ["Un garçon", "Un chien mouillé", "Une fillette", "Un chat âgé"],
        ["court dans la forêt.", "est assis près du café.", "fait du vélo à côté."],
    ),
    "Chinese": (
        ["一个男孩", "一只狗", "一个女孩", "一只猫"],
        ["在公园里跑步。", "坐在椅子上。", "骑自行车。"],
    ),
    "Japanese": (
        ["男の子が", "犬が", "女の子が", "猫が"],
        ["公園で走っている。", "椅子に座っている。", "自転車に乗っている。"],
    ),
    "Thai": (
        ["เด็กผู้ชาย", "สุนัข", "เด็กผู้หญิง", "แมว"],
        ["กำลังวิ่งในสวนสาธารณะ", "นั่งอยู่บนเก้าอี้", "กำลังขี่จักรยาน"],
    ),
}
WITHOUT_SPACES = ("Chinese", "Japanese", "Thai")
PUNCTUATION = str.maketrans("", "", ".。।")
VALUES = ("BLEU-1", "BLEU-4", "ROUGE_L", "CIDEr", "novel_share", "unique_share")


def captions_in(language: str) -> list[str]:
    """A dozen captions."""
    space = "" if language in WITHOUT_SPACES else " "
    return [f"{subject}{space}{action}" for subject, action in product(*LANGUAGES[language])]


def train(folder: Path, captions: list[str], tokenize: str | Path) -> Path:
    """A captioner that has learned the captions: every split has a picture of each, with features of its own."""
    (folder / "regions").mkdir()
    entries = []
    for number, split in enumerate(("train", "val", "test")):
        for row, text in enumerate(captions):
            id = 100 * number + row
            entries.append({"image": f"{id}.jpg", "image_id": id, "caption": text, "split": split})
            np.save(folder / "regions" / f"{id}.npy", 5 * np.eye(len(captions), dtype=np.float32)[None, row])
    table = folder / "captions.jsonl"
    table.write_text("\n".join(map(json.dumps, entries)))
    captions_h5 = prepare_captions(table, min_count=1, max_length=40, tokenize=tokenize, out=folder / "captions.h5")
    features = import_features(captions_h5, folder / "regions", out=folder / "features.h5")
    sizes = {"embedding": 48, "hidden": 64, "dropout": 0, "batch_size": 12}
    steps = {"max_steps": 120, "epochs": 120, "eval_every": 120, "lr": 0.02, "device": "cpu"}
    return train_mle(captions_h5, features, out=folder / "nt.pt", **sizes, **steps)


def captions_and_scores(model: Path, tokenize: str | Path | None) -> tuple[list[str], dict[str, float]]:
    results = caption([model], beam=1, device="cpu")
    metrics = evaluate([results], metrics="BLEU,ROUGE_L,CIDEr", tokenize=tokenize)
    texts = [entry["caption"] for entry in json.loads(results.read_text())]
    measured = open_results(metrics).metrics
    return texts, {name: measured[name] for name in VALUES}


@pytest.mark.parametrize(
    ("language", "tokenize", "scored_with"),
    [
        ("English", "words", None),
        ("Hindi", "words", "words"),
        ("Arabic", "words", None),
        ("Turkish", "words", None),
        ("French", "words", None),
        ("Chinese", "jieba", "jieba"),
        ("Chinese", "characters", "characters"),
        ("Japanese", "mecab", "mecab"),
        ("Thai", "thai", "thai"),
        ("Arabic", "characters", "characters"),
    ],
)
def test_a_dozen_captions_are_repeated(language: str, tokenize: str, scored_with: str | None, tmp_path: Path) -> None:
    captions = captions_in(language)
    given = [unicodedata.normalize("NFD", text) for text in captions] if language == "French" else captions
    texts, scores = captions_and_scores(train(tmp_path, given, tokenize), scored_with)
    lower = [text.replace("İ", "i").lower().translate(PUNCTUATION) for text in captions]
    assert texts == [unicodedata.normalize("NFC", text) for text in lower]
    assert scores.pop("CIDEr") >= 7.5  # a quarter less than 10 for captions too short for 4-grams
    assert scores == pytest.approx({"BLEU-1": 1, "BLEU-4": 1, "ROUGE_L": 1, "novel_share": 0, "unique_share": 1})


def test_a_tokenizer_json_serves_the_whole_chain(tmp_path: Path) -> None:
    captions = captions_in("Chinese")
    tokenizer = write_bpe(tmp_path / "tokenizer.json", captions)
    model = train(tmp_path, captions, tokenizer)
    (tmp_path / "tokenizer.json").rename(tmp_path / "moved.json")
    assert open_captions(tmp_path / "captions.h5").tokenizer == open_checkpoint(model).tokenizer
    texts, scores = captions_and_scores(model, tmp_path / "moved.json")
    assert texts == captions
    assert scores["BLEU-4"] == pytest.approx(1)
