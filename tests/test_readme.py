"""Commands and code in the README and docs/scoring.md give the output shown there."""

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```\n(.*?)```", flags=re.DOTALL)


@pytest.mark.parametrize(
    ("page", "start", "end"), [("README.md", "## Scores", "\n## "), ("docs/scoring.md", "# ", "$")]
)
@pytest.mark.usefixtures("all_paraphrases")
def test_scores_in_the_docs_equal_printed_ones(
    tmp_path: Path, clcap, monkeypatch, page: str, start: str, end: str
) -> None:
    section = (ROOT / page).read_text(encoding="utf-8").split(start, 1)[1].split(end, 1)[0]
    commands, *outputs = BLOCK.findall(section)
    folder, *calls = commands.splitlines()
    shutil.copytree(ROOT / folder.removeprefix("cd "), tmp_path / "scores")
    monkeypatch.chdir(tmp_path / "scores")
    answers = [clcap(*call.split()[1:]) for call in calls]
    printed = {line.rstrip() for result in answers for line in (result.out + result.err).splitlines()}
    shown = {line for output in outputs for line in output.splitlines()}
    assert len(shown) >= 3
    assert shown - printed == set()


def test_python_in_the_readme(chain: Path, monkeypatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    shutil.copy(chain / "scenes" / "images" / "0_000033.png", chain / "photo.jpg")
    monkeypatch.chdir(chain)
    imports, calls = code.split("\n\n", 1)
    lines = calls.splitlines()
    namespace: dict = {}
    exec(imports, namespace)
    caption, rouge, trained = (eval(line.split("#")[0], namespace) for line in lines)
    assert isinstance(caption, str) and trained == Path("nt_cl.pt")
    assert f"# {rouge:.4f}" in lines[1]
