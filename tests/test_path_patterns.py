"""Patterns of paths stand for the files that exist, or that braces name."""

from pathlib import Path

import pytest

from clcap_cli import path_patterns
from clcap_cli.errors import ClcapError
from clcap_cli.path_patterns import files_of, is_pattern


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("x-{008..011}.tar", ["x-008.tar", "x-009.tar", "x-010.tar", "x-011.tar"]),
        ("{train,val}-{0..1}.tar", ["train-0.tar", "train-1.tar", "val-0.tar", "val-1.tar"]),
        ("x-{9..10}.tar", ["x-9.tar", "x-10.tar"]),
    ],
)
def test_braces_name_files(pattern: str, names: list[str]) -> None:
    assert is_pattern(Path(pattern))
    assert files_of(Path("a") / pattern) == [Path("a") / name for name in names]


def test_an_asterisk_stands_for_the_files_that_exist(tmp_path: Path, monkeypatch) -> None:
    for name in ("b.tar", "a.tar", "c.txt"):
        (tmp_path / name).touch()
    assert files_of(tmp_path / "*.tar") == [tmp_path / "a.tar", tmp_path / "b.tar"]
    monkeypatch.chdir(tmp_path)
    assert files_of(Path("{a,c}.*")) == [Path("a.tar"), Path("c.txt")]
    with pytest.raises(ClcapError, match=r"^no file matches .*/\*\.png$"):
        files_of(tmp_path / "*.png")


def test_a_file_with_such_a_name_is_only_itself(tmp_path: Path) -> None:
    (tmp_path / "a*.tar").touch()
    assert not is_pattern(tmp_path / "a*.tar")
    assert not any(is_pattern(Path(name)) for name in ("a.tar", "{a}.tar", "a?.tar", "[a].tar"))


def test_braces_cannot_fill_the_memory(monkeypatch) -> None:
    monkeypatch.setattr(path_patterns, "MAX_FILES", 10)
    with pytest.raises(ClcapError, match=r"stand for more than 10 files"):
        files_of(Path("x-{0..99999999999}.tar"))
