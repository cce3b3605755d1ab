"""Every example in docs/python.md prints what the page shows."""

import doctest
import re
import shutil
from pathlib import Path

import pytest

import clcap_cli as clcap

PAGE = Path(__file__).resolve().parents[1] / "docs" / "python.md"
CHECKPOINT = Path(__file__).parent / "data" / "python_page" / "captioner.pt"
BLOCKS = re.findall(r"^```pycon\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
HOLIDAY = (6, 11, 18, 22)


@pytest.fixture
def folder(shared_chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the page speaks of, in the current folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(CHECKPOINT, "captioner.pt")
    for name in ("captions.h5", "features.h5"):
        shutil.copy(shared_chain / name, name)
    images = clcap.make_scenes("scenes", train=1, val=1, test=24, seed=1) / "images"
    shutil.copy(images / "1_000004.png", "photo.png")
    Path("holiday").mkdir()
    for position, number in enumerate(HOLIDAY, start=1):
        shutil.copy(images / f"1_{number:06d}.png", f"holiday/{position}.png")


@pytest.mark.usefixtures("folder")
def test_every_example_prints_what_the_page_shows() -> None:
    failures: list[str] = []
    examples = doctest.DocTestParser().get_doctest("\n".join(BLOCKS), {}, PAGE.name, str(PAGE), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    results = runner.run(examples, out=failures.append)
    assert results.attempted > 20
    assert results.failed == 0, "".join(failures)
