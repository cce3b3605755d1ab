"""The scores in the README are those that its command prints."""

import re
import shutil
from pathlib import Path

from clcap_cli import __version__

ROOT = Path(__file__).resolve().parents[1]


def test_scores_in_the_readme(tmp_path: Path, clcap, monkeypatch) -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Scores", 1)[1].split("\n## ", 1)[0]
    commands, output = re.findall(r"```\n(.*?)```", section, flags=re.DOTALL)
    (folder,), (call,) = (
        re.findall(r"^cd (.+)", commands, re.MULTILINE),
        re.findall(r"^clcap (.+)", commands, re.MULTILINE),
    )
    shutil.copytree(ROOT / folder, tmp_path / "scores")
    monkeypatch.chdir(tmp_path / "scores")
    printed = clcap(*call.split()).err
    assert output.count("\n") >= 3 and f"clcap-{__version__}" in output
    assert [line for line in output.splitlines() if line not in printed.splitlines()] == []
