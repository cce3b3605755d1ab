"""The command that the page gives for a paper writes the page's tables."""

import shlex
from html import unescape
from pathlib import Path


def test_the_pages_command_writes_its_tables(write, clcap, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    captions = [{"image_id": id, "caption": "a dog"} for id in (1, 2)]
    files = [write(f"my runs/{name}.metrics.json", captions, {"CIDEr": 1.0}) for name in ("b", "a")]
    options = ["--baseline", "a", "--latex", "first.tex"]
    assert clcap("report", *files, *options, "--out", "page.html").status == 0
    shown = unescape((tmp_path / "page.html").read_text()).split("LaTeX tables for a paper")[1]
    command = shlex.split(shown.split("<code>")[1].split("</code>")[0])
    assert command[:4] == ["clcap", "report", *map(str, files)] and "--baseline" in command
    assert clcap(*command[1:]).status == 0
    assert (tmp_path / "tables.tex").read_text() == (tmp_path / "first.tex").read_text()
