"""Images are found by the names that annotations give them, and never outside of the given folders."""

import io
import tarfile
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from clcap_cli.errors import ClcapError
from clcap_cli.features.image_finder import FoundImages, find_images, open_stores


def put(*paths: Path) -> None:
    """Put an image at each path; only its name matters."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def find(folders: list[Path], *names: str) -> FoundImages[str]:
    return find_images(open_stores(folders), {name: name for name in names})


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a.jpg", "a.jpg"),
        ("day/a.jpg", "day/a.jpg"),
        ("./day//a.jpg", "day/a.jpg"),
        ("day\\a.jpg", "day/a.jpg"),
        (unicodedata.normalize("NFD", "pêche.jpg"), unicodedata.normalize("NFC", "pêche.jpg")),
        (unicodedata.normalize("NFC", "pêche.jpg"), unicodedata.normalize("NFD", "pêche.jpg")),
    ],
)
def test_other_spellings_of_a_path_are_the_same_name(tmp_path: Path, name: str, file: str) -> None:
    put(tmp_path / file)
    found = find([tmp_path], name)
    assert found.files == {name: tmp_path / file}
    assert not found.note()


@pytest.mark.parametrize(
    ("name", "file", "way"),
    [
        ("C:\\data\\photos\\a.jpg", "photos/a.jpg", "file name without folder"),
        ("/home/somebody/photos/a.jpg", "a.jpg", "file name without folder"),
        ("images/a.jpg", "a.jpg", "file name without folder"),
        ("a.jpg", "train2014/a.jpg", "file name without folder"),
        ("Day/A.JPG", "day/a.jpg", "file name, ignoring case"),
        ("a.png", "a.jpg", "file name without suffix"),
        ("../other/a.jpg", "a.jpg", "file name without folder"),
    ],
)
def test_a_part_of_the_name_is_enough_and_said(tmp_path: Path, name: str, file: str, way: str) -> None:
    put(tmp_path / file, tmp_path / "b.jpg")
    found = find([tmp_path], name, "b.jpg")
    assert found.files == {name: tmp_path / file, "b.jpg": tmp_path / "b.jpg"}
    assert found.note() == (
        f"images whose file has another name than listed: 1 by {way}, such as {tmp_path / file} for '{name}'"
    )


def test_a_name_with_the_given_folder_is_the_file_itself(tmp_path: Path) -> None:
    put(tmp_path / "photos" / "a.jpg")
    found = find([tmp_path / "photos"], "photos/a.jpg")
    assert list(found.files.values()) == [tmp_path / "photos" / "a.jpg"]
    assert not found.note()


def test_the_name_of_the_given_folder_counts(tmp_path: Path) -> None:
    folders = [tmp_path / "train2014", tmp_path / "val2014"]
    put(*(folder / "1.jpg" for folder in folders))
    found = find(folders, "train2014/1.jpg", "val2014/1.jpg")
    assert found.files == {f"{folder.name}/1.jpg": folder / "1.jpg" for folder in folders}


def test_absolute_names_inside_the_folder_are_used(tmp_path: Path) -> None:
    put(tmp_path / "photos" / "a.jpg", tmp_path / "photos" / "old" / "a.jpg")
    name = str(tmp_path / "photos" / "a.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    assert find([tmp_path / "photos"], name).files == {name: Path(name)}
    assert find([tmp_path / "link"], name).files == {name: tmp_path / "link" / "a.jpg"}


@pytest.mark.parametrize("name", ["../secret.png", "{}/secret.png", "a/../../secret.png", "..\\secret.png", "link.png"])
def test_no_file_outside_of_the_folders_is_found(tmp_path: Path, name: str) -> None:
    put(tmp_path / "secret.png", tmp_path / "photos" / "a.png")
    found = find([tmp_path / "photos"], name.format(tmp_path))
    assert not found.files
    assert len(found.missing) == 1


def test_ambiguous_names_are_not_matched(tmp_path: Path) -> None:
    put(tmp_path / "one" / "a.jpg", tmp_path / "two" / "a.jpg")
    found = find([tmp_path], "a.jpg")
    assert found.missing == {
        "a.jpg": f"'a.jpg' is ambiguous: it could be {tmp_path}/one/a.jpg or {tmp_path}/two/a.jpg; list it with its "
        "folder, such as one/a.jpg"
    }
    put(tmp_path / "c.jpg")
    found = find([tmp_path], "x/c.jpg", "y/c.jpg")
    assert not found.files
    assert found.missing["x/c.jpg"] == f"{tmp_path}/c.jpg could be 'x/c.jpg' or 'y/c.jpg'"


def test_a_file_of_another_listed_image_is_not_used(tmp_path: Path) -> None:
    put(tmp_path / "train" / "a.jpg")
    found = find([tmp_path], "train/a.jpg", "val/a.jpg")
    assert found.files.keys() == {"train/a.jpg"}
    assert found.missing == {"val/a.jpg": f"no such file: {tmp_path}/val/a.jpg"}


def test_a_file_of_another_folder_is_not_used(tmp_path: Path) -> None:
    put(tmp_path / "dogs" / "1.jpg", tmp_path / "birds" / "2.jpg")
    found = find([tmp_path], "dogs/1.jpg", "dogs/2.jpg")
    assert found.files.keys() == {"dogs/1.jpg"}
    assert found.missing == {"dogs/2.jpg": f"no such file: {tmp_path}/dogs/2.jpg"}


def test_a_name_in_two_folders_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "one" / "a.png", tmp_path / "two" / "a.png")
    with pytest.raises(ClcapError, match=r"there are two images 'a\.png'"):
        find([tmp_path / "one", tmp_path / "two"], "a.png")


def test_a_folder_given_twice_or_through_a_link_counts_once(tmp_path: Path) -> None:
    put(tmp_path / "one" / "day" / "a.png", tmp_path / "one" / "b.png")
    (tmp_path / "link").symlink_to(tmp_path / "one")
    folders = [tmp_path / "one", tmp_path / "one", tmp_path / "link", tmp_path / "one" / "day"]
    found = find(folders, "day/a.png", "B.png")
    assert found.files == {"day/a.png": tmp_path / "one" / "day" / "a.png", "B.png": tmp_path / "one" / "b.png"}


def test_images_in_a_tar_archive_are_found(tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(content, "PNG")
    with tarfile.open(tmp_path / "shard.tar", "w") as archive:
        for name in ("./day/a.png", "/etc/b.png", "../c.png"):
            info = tarfile.TarInfo(name)
            info.size = len(content.getvalue())
            archive.addfile(info, io.BytesIO(content.getvalue()))
    found = find([tmp_path / "shard.tar"], "day/a.png", "b.png", "c.png")
    assert {name: str(file) for name, file in found.files.items()} == {"day/a.png": f"{tmp_path}/shard.tar/day/a.png"}
    assert found.missing.keys() == {"b.png", "c.png"}
