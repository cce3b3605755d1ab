"""Outputs on links, devices and other special places."""

import os
import stat
from pathlib import Path

import pytest

from clcap_cli.artifacts.atomic import atomic_write, check_writable
from clcap_cli.artifacts.output_path import check_output_path
from clcap_cli.errors import ClcapError


def refusal(path: Path | str) -> str:
    with pytest.raises(ClcapError) as error:
        check_writable(Path(path))
    return str(error.value)


def write(path: Path, text: str) -> None:
    with atomic_write(check_writable(path)) as part:
        part.write_text(text)


def not_regular(path: Path | str) -> str:
    return f"{path} cannot be written: it is not a regular file; give the name of a file"


@pytest.mark.parametrize("path", ["/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/x", "/sys/x"])
def test_devices_and_system_folders_are_refused(path: str) -> None:
    assert refusal(path) == not_regular(path)


def test_standard_output_in_a_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        (tmp_path / "link").symlink_to(f"/proc/self/fd/{file.fileno()}")
        assert refusal(tmp_path / "link") == not_regular(tmp_path / "link")


def test_a_named_pipe_is_refused_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    assert refusal(pipe) == not_regular(pipe)
    assert refusal(tmp_path / "link") == not_regular(tmp_path / "link")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "disk" / "nt.pt", tmp_path / "nt.pt"
    target.parent.mkdir()
    link.symlink_to(target)
    for text in ("first", "second"):  # at first the link leads nowhere
        write(link, text)
        assert (link.is_symlink(), target.read_text()) == (True, text)
    assert {path.name for path in target.parent.iterdir()} == {"nt.pt"}


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert refusal(tmp_path / "a") == (
        f"{tmp_path}/a cannot be written: it is a link that leads back to itself; delete it"
    )
    assert refusal(tmp_path / "a" / "x") == f"{tmp_path}/a/x cannot be written: {tmp_path}/a is not a folder"


def test_a_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert refusal(tmp_path / "link") == (f"{tmp_path}/link cannot be written: it is a folder; give the name of a file")


def test_a_link_to_an_input_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").touch()
    (tmp_path / "link").symlink_to("in")
    with pytest.raises(ClcapError, match="link is an input of this command, so it cannot be overwritten"):
        check_writable(tmp_path / "link", [tmp_path / "in"])


def test_a_read_only_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nt.pt"
    path.touch(mode=0o444)
    assert refusal(path) == (
        f"{path} cannot be written: the file exists and is read-only; make it writable (chmod u+w nt.pt) or give "
        "another name"
    )


def test_a_new_file_keeps_the_permissions_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "nt.pt"
    path.touch(mode=0o600)
    write(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_other_names_of_a_file_keep_the_old_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    write(tmp_path / "a", "new")
    assert ((tmp_path / "a").read_text(), (tmp_path / "b").read_text()) == ("new", "old")


def test_paths_that_cannot_be_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file" / "x") == f"{tmp_path}/file/x cannot be written: {tmp_path}/file is not a folder"
    assert refusal(tmp_path / ("x" * 300)).endswith(" cannot be written: File name too long")
    assert refusal("") == ". cannot be written: it is a folder; give the name of a file"
    with pytest.raises(ClcapError, match="cannot be written: embedded null byte"):
        check_output_path(tmp_path / "a\0b")


@pytest.mark.parametrize(
    ("words", "name", "beside"),
    [
        (("caption", "nt.pt"), f"{'x' * 250}.json", ".provenance.json"),
        (("train-mle", "captions.h5", "features.h5"), f"{'x' * 250}.pt", ".log.jsonl"),
        (("extract-features", "captions.h5", "--images", "scenes"), f"{'x' * 245}.h5", ".partial.json"),
    ],
)
def test_a_name_leaves_room_for_files_beside_it(
    error_of, chain: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], name: str, beside: str
) -> None:
    monkeypatch.chdir(chain)
    other = name.partition(".")[0] + beside
    assert error_of(*words, "--out", name, "--device", "cpu") == (
        f"{name} cannot be written: the name of {other}, which is written beside it, has {len(other)} bytes, at most "
        "255 are possible; give a shorter name"
    )
    assert not Path(name).exists()
