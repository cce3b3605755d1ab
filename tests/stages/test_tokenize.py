"""evaluate --tokenize scores the tokens of a segmentation, and names it in signatures and warnings."""

import json
from itertools import chain
from pathlib import Path

import pytest

import clcap_cli
from clcap_cli.artifacts.results import open_results
from clcap_cli.segmentation.registry import open_segmenter

REFERENCES = {"a": "一只猫坐在沙发上。", "b": "一个男孩在公园里骑自行车。"}
PREDICTIONS = {"a": "一只猫在沙发上", "b": "一个男孩在骑自行车"}
UNSEGMENTED = "2 of 2 {name} look unsegmented: long runs of characters without spaces, such as '一只猫{rest}'"


@pytest.fixture
def evaluated(tmp_path: Path, clcap):
    """Evaluate the predictions, and return the results and the messages."""

    def run(*options: object, texts: tuple[dict, dict] = (PREDICTIONS, REFERENCES)) -> tuple:
        for name, own in zip(("predictions", "references"), texts, strict=True):
            lines = [json.dumps({"image_id": id, "caption": text}) for id, text in own.items()]
            (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
        given = [f"--{name}={tmp_path}/{name}.jsonl" for name in ("predictions", "references")]
        result = clcap("evaluate", *given, "--metrics", "BLEU,CIDEr", *options)
        assert result.status == 0, result.err
        return open_results(Path(result.out.strip())), result.err

    return run


@pytest.mark.parametrize("name", ["characters", "jieba"])
def test_the_tokens_are_scored_and_named(evaluated, name: str) -> None:
    results, messages = evaluated("--tokenize", name)
    segmenter = open_segmenter(name)
    assert results.metrics["BLEU-1"] > 0.5
    assert [image["tokenised"] for image in results.images] == list(map(segmenter.text, PREDICTIONS.values()))
    assert [image["references"] for image in results.images] == [[segmenter.text(t)] for t in REFERENCES.values()]
    assert all(f"|tok:{segmenter.signature}|" in signature for signature in results.signatures.values())
    assert f"shared signature: tok:{segmenter.signature}|refs:c1" in " ".join(messages.split())
    assert "unsegmented" not in messages


def test_unsegmented_captions_are_warned_of(evaluated) -> None:
    results, messages = evaluated("--tokenize", "words")
    assert results.metrics["BLEU-1"] == pytest.approx(0)
    messages = " ".join(messages.split())
    assert UNSEGMENTED.format(name="captions", rest="在沙发上") in messages
    assert "--tokenize jieba or --tokenize characters" in messages
    assert messages.count("warning: ") == 1


def test_punctuation_that_the_default_keeps_is_warned_of(evaluated) -> None:
    hindi = {"a": "एक बिल्ली बैठी है ।", "b": "एक लड़का ।"}
    _, messages = evaluated(texts=(hindi, hindi))
    assert "2 of 2 references contain punctuation" in " ".join(messages.split())


def test_unsegmented_references_alone_are_warned_of(evaluated) -> None:
    _, messages = evaluated("--tokenize", "words", texts=({"a": "a cat", "b": "a boy"}, REFERENCES))
    assert UNSEGMENTED.format(name="references", rest="坐在沙发上") in " ".join(messages.split())


def test_runs_with_different_tokens_are_not_comparable(evaluated, tmp_path: Path, clcap) -> None:
    for name in ("words", "characters"):
        evaluated("--tokenize", name, "--out", tmp_path / f"{name}.metrics.json")
    printed = clcap("compare", tmp_path / "words.metrics.json", tmp_path / "characters.metrics.json").out
    assert "not comparable, because evaluated differently" in printed
    line = next(line for line in printed.splitlines() if "BLEU-4, " in line)
    assert line.endswith(f": tok words and {open_segmenter('characters').signature}")


def test_python_and_the_command_line_agree(evaluated, tmp_path: Path) -> None:
    results, _ = evaluated("--tokenize", "characters", "--cider-df", tmp_path / "references.jsonl")
    texts = list(PREDICTIONS.values()), [[text] for text in REFERENCES.values()]
    scored = clcap_cli.score(
        *texts, metrics="BLEU,CIDEr", tokenize="characters", cider_df=[[text] for text in REFERENCES.values()]
    )
    assert {name: scored.metrics[name] for name in ("BLEU-4", "CIDEr")} == {
        name: results.metrics[name] for name in ("BLEU-4", "CIDEr")
    }


def test_scores_depend_on_the_tokens_and_not_on_the_script() -> None:
    """METEOR, which would take tokens apart, and the others: as for English words in the same places."""
    pairs = [
        ("एक लड़का साइकिल चला रहा है", "एक लड़की साइकिल चला रही है"),
        ("一个 女孩 在 公园 里 骑马", "一个 男孩 在 公园 里 骑 自行车"),
        ("เด็กผู้ชาย กำลัง ขี่ จักรยาน", "เด็กผู้หญิง กำลัง ขี่ ม้า"),
        ("وَلَدٌ يَرْكَبُ دَرَّاجَةً", "وَلَدٌ يَرْكَبُ حِصَانًا"),
        ("café là bas", "thé là bas"),
    ]
    words: dict[str, str] = {}
    for token in " ".join(chain.from_iterable(pairs)).split():
        words.setdefault(token, f"x{chr(ord('a') + len(words))}{len(words)}")
    in_english = [[" ".join(words[token] for token in text.split()) for text in pair] for pair in pairs]
    scores = [
        clcap_cli.score(
            [prediction for prediction, _ in texts],
            [[reference] for _, reference in texts],
            metrics="BLEU,METEOR,ROUGE_L,CIDEr",
            tokenize="whitespace",
        )
        for texts in (pairs, in_english)
    ]
    assert scores[0].metrics == pytest.approx(scores[1].metrics)
    assert "options:-l en|" in scores[0].signatures["METEOR"]


def test_own_results_name_the_segmentation_of_captions(chain: Path, clcap) -> None:
    """The captioner's captions.h5 is replaced by one that was split into characters."""
    scenes = {split: chain / "scenes" / f"captions_{split}.json" for split in ("train", "val", "test")}
    files = [word for split, path in scenes.items() for word in (f"--{split}", path)]
    assert clcap("prepare-captions", *files, "--tokenize", "characters", "--out", chain / "c.h5").status == 0
    assert clcap("caption", chain / "nt.pt").status == 0
    scored = ("evaluate", chain / "nt.captions.json", "--captions", chain / "c.h5", "--metrics", "BLEU")
    advice = "captions.h5 was prepared with --tokenize characters, but the scores use the PTB tokeniser"
    assert advice in " ".join(clcap(*scored).err.split())
    assert advice not in " ".join(clcap(*scored, "--tokenize", "characters").err.split())


def test_another_segmentation_is_refused(chain: Path, clcap, error_of) -> None:
    scenes = {split: chain / "scenes" / f"captions_{split}.json" for split in ("train", "val", "test")}
    files = [word for split, path in scenes.items() for word in (f"--{split}", path)]
    assert clcap("prepare-captions", *files, "--tokenize", "whitespace", "--out", chain / "other.h5").status == 0
    assert error_of("caption", chain / "nt.pt", "--captions", chain / "other.h5").startswith(
        f"{chain}/other.h5 and {chain}/nt.pt come from captions that were split with --tokenize whitespace and "
        "--tokenize words"
    )


@pytest.mark.parametrize("min_count", [1, 5])
def test_unsegmented_training_captions_are_named(min_count: int, tmp_path: Path, clcap) -> None:
    table = tmp_path / "zh.csv"
    table.write_text("image,caption,split\n" + "".join(f"{id}.jpg,{text},train\n" for id, text in REFERENCES.items()))
    result = clcap("prepare-captions", table, "--min-count", min_count, "--out", tmp_path / "c.h5")
    assert result.status == (0 if min_count == 1 else 1)
    assert UNSEGMENTED.format(name="captions", rest="坐在沙发上") in " ".join(result.err.split())
    assert "lower --min-count" not in result.err


def test_captions_too_long_in_characters_get_advice(tmp_path: Path, clcap) -> None:
    table = tmp_path / "zh.csv"
    table.write_text("image,caption,split\n" + "".join(f"{id}.jpg,{text},train\n" for id, text in REFERENCES.items()))
    options = ("--tokenize", "characters", "--min-count", 1, "--out", tmp_path / "c.h5")
    advice = "50.0% of the training captions have more than 10 characters and are cut; --max-length 12 keeps 99%"
    assert advice in " ".join(clcap("prepare-captions", table, "--max-length", 10, *options).err.split())
    assert "are cut" not in clcap("prepare-captions", table, "--max-length", 12, *options).err
