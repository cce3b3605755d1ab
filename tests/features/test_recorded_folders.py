"""Folders of images are found again after a project was moved, renamed or read from another folder."""

import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from clcap_cli.features.recorded_folders import recorded_folders, recorded_image_folders

VERSION3 = Path(__file__).parents[1] / "data" / "version3"


@pytest.fixture
def features(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a features.h5 which records given paths of itself and of images."""

    def features(at: str, out: str, *images: str) -> Path:
        path = tmp_path / at
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(VERSION3 / "features.h5", path)
        with h5py.File(path, "a") as file:
            provenance = json.loads(file.attrs["provenance"])
            provenance["settings"] |= {"images": list(images), "out": out}
            file.attrs["provenance"] = json.dumps(provenance)
        return path

    return features


MOVED = {
    "moved as a whole": ("new/features.h5", "features.h5", "images", "new/images"),
    "made from the folder above": ("new/p/features.h5", "p/features.h5", "p/images", "new/p/images"),
    "renamed": ("new/renamed/features.h5", "p/features.h5", "p/images", "new/renamed/images"),
    "absolute paths": ("new/features.h5", "/gone/p/features.h5", "/gone/p/photos/val", "new/photos/val"),
    "beside the project": ("new/p/features.h5", "features.h5", "../photos", "new/photos"),
    "absolute images of another project": ("new/p/features.h5", "features.h5", "/gone/coco/val", "new/coco/val"),
    "images moved beside the file": ("new/features.h5", "features.h5", "/gone/coco/val", "new/val"),
}


@pytest.mark.parametrize("case", MOVED)
def test_images_are_found_where_the_project_is_now(features, tmp_path: Path, monkeypatch, case: str) -> None:
    at, out, images, now = MOVED[case]
    path = features(at, out, images)
    assert recorded_image_folders(path) == []
    (tmp_path / now).mkdir(parents=True)
    for folder in (tmp_path, path.parent, Path("/")):
        monkeypatch.chdir(folder)
        (found,) = recorded_image_folders(Path(os.path.relpath(path)))
        assert found.resolve() == tmp_path / now


def test_an_archive_is_found_beside_the_files_of_a_report(features, tmp_path: Path) -> None:
    path = features("data/features.h5", "/gone/features.h5", "/gone/shards/val.tar")
    report = tmp_path / "report"
    report.mkdir()
    with tarfile.open(report / "val.tar", "w") as archive:
        archive.add(path, "a.png")
    (folder,) = recorded_folders(path, [report])
    assert folder.find() == report / "val.tar"


def test_the_recorded_folder_is_preferred(features, tmp_path: Path) -> None:
    for folder in ("old/images", "new/images"):
        (tmp_path / folder).mkdir(parents=True)
    path = features("new/features.h5", str(tmp_path / "old/features.h5"), str(tmp_path / "old/images"))
    assert recorded_image_folders(path) == [tmp_path / "old/images"]


def test_a_lost_folder_tells_where_it_was_looked_for(features, tmp_path: Path) -> None:
    (folder,) = recorded_folders(features("a/b/features.h5", "features.h5", "images"), [tmp_path / "report"])
    assert folder.find() is None
    assert folder.searched == [tmp_path / "a/b", tmp_path / "report", tmp_path / "a", tmp_path]
