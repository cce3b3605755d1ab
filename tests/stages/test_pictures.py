"""caption and extract-features: unreadable images, archives, and one picture in two splits."""

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from clcap_cli.artifacts.features import open_features
from clcap_cli.features.images import open_rgb


@pytest.fixture
def photos(chain: Path) -> Path:
    """A folder with two readable images, two that are not, and one that has been cut."""
    folder = chain / "photos"
    folder.mkdir()
    images = sorted((chain / "scenes" / "images").iterdir())[:3]
    for name, image in zip(("a.png", "b.png", "cut.png"), images, strict=True):
        shutil.copy(image, folder / name)
    whole = (folder / "cut.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "page.jpg").write_bytes(b"<!DOCTYPE html>")
    (folder / "page.txt").write_text("a caption")
    return folder


def captioned(output: str) -> list[str]:
    return [entry["image_id"] for entry in json.loads(Path(output.strip()).read_text())]


def test_caption_names_bad_images_before_it_starts(photos: Path, error_of) -> None:
    message = error_of("caption", photos.parent / "nt.pt", "--images", photos, "--device", "cpu")
    assert message == (
        f"2 of 5 images cannot be read: {photos}/empty.jpg is not a readable image: it is empty; {photos}/page.jpg is "
        "not a readable image: it is an HTML page, perhaps the error page of a failed download; leave such images out "
        "with --skip-bad"
    )


def test_caption_skips_bad_images(photos: Path, clcap) -> None:
    models = [photos.parent / "nt.pt", photos.parent / "aa.pt"]
    result = clcap("caption", *models, "--images", photos, "--skip-bad", "--device", "cpu")
    assert result.status == 0, result.err
    assert captioned(result.out) == [f"{photos}/a.png", f"{photos}/b.png"]
    assert f"{photos}: 5 images; left out: 1 .txt\n" in result.err
    assert "warning: 3 of 5 images left out; they have no captions in the output:\n" in result.err
    assert f"\n  {photos}/cut.png is not a readable image: image file is truncated" in result.err


def test_caption_stops_at_a_cut_image(photos: Path, error_of) -> None:
    images = [photos / name for name in ("a.png", "cut.png")]
    message = error_of("caption", photos.parent / "nt.pt", "--images", *images, "--device", "cpu")
    assert message.endswith("(after 1 of 2 images); leave such images out with --skip-bad")


def test_caption_of_bad_images_alone_is_an_error(photos: Path, error_of) -> None:
    for names in (("empty.jpg", "page.jpg"), ("cut.png", "empty.jpg")):
        images = [photos / name for name in names]
        message = error_of("caption", photos.parent / "nt.pt", "--images", *images, "--skip-bad", "--device", "cpu")
        assert message.startswith("none of the 2 images can be read: ")
    assert not list(photos.parent.glob("*.images.captions.json"))


def test_images_given_twice_or_through_a_link_are_captioned_once(photos: Path, clcap) -> None:
    link = photos.parent / "link"
    link.symlink_to(photos)
    images = [photos / "b.png", link, photos / ".." / "photos" / "a.png"]
    result = clcap("caption", photos.parent / "nt.pt", "--images", *images, "--skip-bad", "--device", "cpu")
    assert captioned(result.out) == [f"{photos}/b.png", f"{link}/a.png"]
    assert "2 images are given twice; each is captioned once" in result.err


def test_skip_bad_without_images_is_refused(usage_error_of, chain: Path) -> None:
    assert "--skip-bad: needs --images" in usage_error_of("caption", chain / "nt.pt", "--skip-bad")


def test_images_in_a_tar_archive_are_captioned(photos: Path, clcap) -> None:
    shard = photos.parent / "shard.tar"
    with tarfile.open(shard, "w") as archive:
        archive.add(photos / "a.png", "000001.png")
        archive.add(photos / "page.txt", "000001.txt")
    model = photos.parent / "nt.pt"
    texts = []
    for images in (shard, photos / "a.png"):
        result = clcap("caption", model, "--images", images, "--device", "cpu")
        assert result.status == 0, result.err
        texts.append(json.loads(Path(result.out.strip()).read_text()))
    assert texts[0] == [{"image_id": f"{shard}/000001.png", "caption": texts[1][0]["caption"]}]


def test_features_of_a_tar_archive_are_those_of_its_folder(chain: Path, clcap) -> None:
    images = chain / "scenes" / "images"
    with tarfile.open(chain / "shard.tar", "w") as archive:
        archive.add(images, ".")
    result = clcap(
        *("extract-features", chain / "captions.h5", "--images", chain / "shard.tar", "--image-size", 64),
        *("--out", chain / "f.h5", "--device", "cpu"),
    )
    assert result.status == 0, result.err
    assert open_features(chain / "f.h5").pooled.tolist() == open_features(chain / "features.h5").pooled.tolist()


def test_extraction_finds_renamed_cut_and_repeated_images(chain: Path, clcap, error_of) -> None:
    images = chain / "scenes" / "images"
    (images / "0_000001.png").rename(images / "0_000001.PNG")
    shutil.copy(images / "0_000002.png", images / "0_000040.png")  # train and test
    cut = images / "0_000041.png"
    cut.write_bytes(cut.read_bytes()[:-60])
    with pytest.raises(Exception, match="truncated"):
        open_rgb(cut)
    arguments = (
        *("extract-features", chain / "captions.h5", "--images", images, "--image-size", 64),
        *("--out", chain / "f.h5", "--device", "cpu"),
    )
    assert error_of(*arguments).endswith(" of 42 images); leave such images out with --skip-bad")
    assert not (chain / "f.h5").exists()
    result = clcap(*arguments, "--skip-bad", "--resume")
    assert result.status == 0, result.err
    assert "1 by file name, ignoring case, such as " in result.err
    assert "warning: 1 of 42 images left out; the stages that follow do without them:\n" in result.err
    assert (
        "warning: 1 images are in more than one split under different ids: "
        "0_000002.png (train) = 0_000040.png (test)\n" in result.err
    )
    assert open_features(chain / "f.h5").skipped == [41]


def test_extraction_of_bad_images_alone_writes_nothing(chain: Path, error_of) -> None:
    images = chain / "scenes" / "images"
    for path in images.iterdir():
        path.write_bytes(path.read_bytes()[:-60])
    message = error_of(
        *("extract-features", chain / "captions.h5", "--images", images, "--image-size", 64, "--skip-bad"),
        *("--out", chain / "f.h5", "--device", "cpu"),
    )
    assert message.startswith("none of the 42 images can be read: ")
    assert not (chain / "f.h5").exists()
