"""Printed text cannot control the terminal."""

import itertools
import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from clcap_cli import console
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.console import escaped
from tests.conftest import CLCAP
from tests.reporting.conftest import image, write

__all__ = ["write"]

ESCAPE = "\x1b[2J\x9b31m\r\x07\u202ex\x7f"
SEEN = r"\x1b[2J\x9b31m\r\x07\u202ex\x7f"
MARKUP = "[bold]:dog:[red]"
CLOSED = "[/x]"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (ESCAPE, SEEN),
        ("two\nlines\tand a \0", r"two\nlines\tand a \x00"),
        ("\u2028\u2066", r"\u2028\u2066"),
        ("a\udce9b", r"a\udce9b"),
        ("naïve 犬 😀 שלום", "naïve 犬 😀 שלום"),
    ],
)
def test_control_characters_are_escaped(text: str, seen: str) -> None:
    assert escaped(text) == seen


@pytest.mark.parametrize(("name", "seen"), [(ESCAPE, SEEN), (MARKUP, MARKUP), ("a\nb", r"a\nb")])
def test_names_are_printed_literally(clcap, tmp_path: Path, write, name: str, seen: str) -> None:
    missing = tmp_path / f"{name}.pt"
    assert clcap("show", missing).err == f"error: no such file: {tmp_path}/{seen}.pt\n"
    closed = tmp_path / "[" / "x].json"
    assert clcap("show", closed).err == f"error: no such file: {closed}\n"
    result = write(f"{name}.metrics.json", [image(1, name)], {name: 1.0, "images": 1})
    text = clcap("report", result, "--text").out
    assert seen in text.splitlines()[1] and ESCAPE not in text
    assert sum(line.split()[1:2] == [seen] for line in text.splitlines()) == 1, "the metric's name"
    assert seen in clcap("show", result).out


@pytest.mark.parametrize(("name", "seen"), [(ESCAPE, SEEN), (MARKUP, MARKUP), (CLOSED, CLOSED)])
def test_provenance_is_printed_literally(clcap, tmp_path: Path, name: str, seen: str) -> None:
    record = Origin("made up", {"seed": name}).make_provenance("clcap/retrieval", "0", tmp_path / "x").model_dump()
    record |= {"stage": name, "command": name, "id": name, "created": name}
    record["inputs"] = [{"role": name, "path": name, "id": name}]
    path = tmp_path / "x.retrieval.json"
    path.write_text(json.dumps({"provenance": record, "metrics": {name: 1}, "images": [image(1, "a dog")]}))
    result = clcap("show", path)
    assert result.status == 0, result.err
    assert ESCAPE not in result.out and result.out.count(seen) == 8


def test_captions_are_compared_literally(clcap, write) -> None:
    def run(name: str, scores: list[float]) -> Path:
        texts = {"tokenised": "a dog", "references": ["a dog"]}
        images = [image(at, ESCAPE, CIDEr=score, **texts) for at, score in enumerate(scores)]
        return write(f"{name}.metrics.json", images, {"CIDEr": 1.0})

    out = clcap("compare", run("first", [0.0, 0.5]), run(MARKUP, [1.0, 0.5])).out
    assert out.count(SEEN) == 2 and ESCAPE not in out
    assert f"{MARKUP} against first" in out


def test_the_path_for_a_script_is_exact(tmp_path: Path) -> None:
    folder = tmp_path / f"a {ESCAPE}\n{MARKUP}"
    words = [*CLCAP, "make-scenes", folder, "--train", "1", "--val", "1", "--test", "1"]
    assert subprocess.run(words, capture_output=True, check=True).stdout == f"{folder}\n".encode()


def test_the_path_on_a_terminal_is_visible(tmp_path: Path) -> None:
    ours, terminal = os.openpty()
    words = [*CLCAP, "make-scenes", tmp_path / ESCAPE, "--train", "1", "--val", "1", "--test", "1"]
    subprocess.run(words, stdout=terminal, stderr=subprocess.DEVNULL, check=True)
    assert os.read(ours, 1000).decode().strip() == f"{tmp_path}/{SEEN}"
    os.close(ours)
    os.close(terminal)


def test_lines_of_progress_become_rarer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = itertools.count()
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert list(console.progress(range(200), 200, "images")) == list(range(200))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "images: 10/200, 1.0/s, 190 s left"
    assert [line.split()[1] for line in lines] == ["10/200,", "30/200,", "70/200,", "150/200,"]
