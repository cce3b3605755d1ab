from pathlib import Path

import pytest

from clcap_cli.artifacts.atomic import check_writable, written_whole
from clcap_cli.errors import ClcapError


def test_the_file_appears_when_all_is_written(tmp_path: Path) -> None:
    with written_whole(tmp_path / "a.json") as part:
        part.write_text("new")
        assert not (tmp_path / "a.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ClcapError, ValueError])
def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path: Path, interruption: type) -> None:
    (tmp_path / "a.json").write_text("old")
    with pytest.raises(interruption), written_whole(tmp_path / "a.json") as part:
        part.write_text("half")
        raise interruption
    assert (tmp_path / "a.json").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_folder_is_made_and_nothing_left_in_it(tmp_path: Path) -> None:
    check_writable(tmp_path / "runs" / "a.pt")
    assert list((tmp_path / "runs").iterdir()) == []
