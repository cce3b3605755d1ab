"""The example that measures how well metrics agree with Flickr8k's expert judgements."""

import importlib.util
import json
import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "examples" / "human_judgement.py"
spec = importlib.util.spec_from_file_location("human_judgement", SCRIPT)
assert spec and spec.loader
human_judgement = importlib.util.module_from_spec(spec)
spec.loader.exec_module(human_judgement)

TOKENS = """\
a.jpg#0\tA dog runs .
a.jpg#1\tThe brown dog
b.jpg#0\tA red bus
b.jpg#1\tA dog near a bus
b.jpg#2\tA red bus
c.jpg#0\tA red bus
"""
EXPERT = """\
a.jpg\tb.jpg#0\t1\t1\t2
a.jpg\tb.jpg#1\t1\t2\t4
a.jpg\ta.jpg#1\t4\t4\t4
b.jpg\ta.jpg#0\t3\t4\t4
a.jpg\tc.jpg#0\t1\t2\t1
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Files in the form of ExpertAnnotations.txt and Flickr8k.token.txt."""
    expert, tokens = tmp_path / "expert.txt", tmp_path / "tokens.txt"
    expert.write_text(EXPERT)
    tokens.write_text(TOKENS)
    return expert, tokens


def test_tau_c_equals_a_value_worked_by_hand() -> None:
    """Judgements 1 1 2, 1 2 4 and 3 4 4 of rising values: 20 pairs agree, 2 disagree: 2 (20 - 2) / (9² 2/3)."""
    given = [("x", (1, 1, 2)), ("y", (1, 2, 4)), ("z", (3, 4, 4))]
    pairs = [human_judgement.Pair("a", text, judgements) for text, judgements in given]
    captions = [{"caption": text, "up": at, "down": -at, "counts": [at]} for at, (text, _) in enumerate(given)]
    images = [{"image_id": "a", "caption": "x", "captions": captions}]
    found = human_judgement.correlations(human_judgement.Judged(pairs, {}, 0), images)
    assert found == {"up": pytest.approx(100 * 36 / 54), "down": pytest.approx(-100 * 36 / 54)}


def test_captions_of_the_image_itself_are_left_out(files: tuple[Path, Path]) -> None:
    judged = human_judgement.read_judgements(*files)
    assert [pair.caption for pair in judged.pairs] == ["A red bus", "A dog near a bus", "A dog runs .", "A red bus"]
    assert judged.left_out == 1
    assert judged.references["b.jpg"] == ["A red bus", "A dog near a bus", "A red bus"]


def test_metrics_of_clcap_are_judged(files: tuple[Path, Path], tmp_path: Path, clcap, capsys) -> None:
    """The two captions with the text "A red bus" are scored once and judged twice."""
    expert, tokens = map(str, files)
    human_judgement.main("prepare", expert, tokens, str(tmp_path))
    texts = [tmp_path / name for name in ("predictions.jsonl", "references.jsonl", "documents.jsonl")]
    assert [len(path.read_text().splitlines()) for path in texts] == [2, 2, 4]
    options = ("--tokenize", "whitespace", "--metrics", "ROUGE_L,CIDEr", "--out", tmp_path / "j.metrics.json")
    files_of = ("--predictions", texts[0], "--references", texts[1], "--cider-df", texts[2])
    assert clcap("evaluate", *files_of, *options).status == 0
    human_judgement.main("correlate", expert, tokens, str(tmp_path / "j.metrics.json"))
    first, _, *rows = capsys.readouterr().out.splitlines()
    assert first == "4 pairs; 1 left out, whose caption is one of the image's own"
    assert [row.split()[0] for row in rows] == ["ROUGE_L", "CIDEr"]


@pytest.mark.parametrize(
    ("expert", "tokens", "message"),
    [
        (
            "a.jpg\tb.jpg#0\t1\t1\n",
            TOKENS,
            "expert.txt, line 1: expected an image, a caption's id and three judgements of 1",
        ),
        ("\na.jpg\tb.jpg#0\t1\t1\t5\n", TOKENS, "expert.txt, line 2: expected an image"),
        ("a.jpg\tb.jpg#7\t1\t1\t1\n", TOKENS, "expert.txt, line 1: b.jpg#7 has no caption in the file of captions"),
        ("z.jpg\tb.jpg#0\t1\t1\t1\n", TOKENS, "expert.txt, line 1: z.jpg has no caption in the file of captions"),
        ("a.jpg\ta.jpg#0\t1\t1\t1\n", TOKENS, "expert.txt has no pair of an image and a caption of another image"),
        ("a.jpg\n", TOKENS, "expert.txt, line 1: expected an image"),
        (EXPERT, "a.jpg A dog\n", "tokens.txt, line 1: expected IMAGE#NUMBER, a tab and a caption, not 'a.jpg A dog'"),
    ],
)
def test_wrong_lines_are_named(expert: str, tokens: str, message: str, files: tuple[Path, Path]) -> None:
    files[0].write_text(expert)
    files[1].write_text(tokens)
    with pytest.raises(SystemExit, match=r"^error: ") as raised:
        human_judgement.read_judgements(*files)
    assert message in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"none\.txt cannot be read: .*No such file"):
        human_judgement.read_judgements(tmp_path / "none.txt", tmp_path / "none.txt")


def test_a_wrong_command_line_shows_the_usage(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "judge"])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert capsys.readouterr().err.startswith("Usage: python human_judgement.py prepare EXPERT TOKENS FOLDER\n")


@pytest.mark.parametrize(
    ("expert", "message"),
    [
        ("a.jpg\tb.jpg#0\t1\t2\t2\n", "has one caption to score; Kendall's tau-c is undefined for fewer than two"),
        (
            "a.jpg\tb.jpg#0\t2\t2\t2\nb.jpg\ta.jpg#0\t2\t2\t2\n",
            "all judgements are 2; Kendall's tau-c is undefined if all are equal",
        ),
    ],
)
def test_judgements_without_an_order_are_refused(expert: str, message: str, files: tuple[Path, Path]) -> None:
    files[0].write_text(expert)
    with pytest.raises(SystemExit, match=message):
        human_judgement.read_judgements(*files)


def test_a_metric_with_one_value_has_no_correlation(files: tuple[Path, Path], tmp_path: Path, capsys) -> None:
    judged = human_judgement.read_judgements(*files)
    captions = [{"image_id": pair.image, "caption": pair.caption, "same": 1.0} for pair in judged.pairs]
    metrics = tmp_path / "j.metrics.json"
    metrics.write_text(json.dumps({"images": captions}))
    human_judgement.main("correlate", *map(str, files), str(metrics))
    assert capsys.readouterr().out.endswith("same  undefined: all captions have the same value\n")


@pytest.mark.parametrize("content", [None, "[", "[]", "{}"])
def test_a_file_without_metrics_is_named(files: tuple[Path, Path], tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "j.json").write_text(content)
    with pytest.raises(SystemExit, match=r"^error: .*j\.json is not a metrics file of clcap evaluate: "):
        human_judgement.main("correlate", *map(str, files), str(tmp_path / "j.json"))


def test_a_folder_that_is_a_file_is_named(files: tuple[Path, Path]) -> None:
    with pytest.raises(SystemExit, match=r"^error: .*tokens\.txt cannot be written: "):
        human_judgement.main("prepare", *map(str, files), str(files[1]))
