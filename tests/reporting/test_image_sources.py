"""Image files, file names and references are found through the lineage or in given folders."""

import base64
import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.features import open_features
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.results import METRICS_KIND, RETRIEVAL_KIND, Measurements, open_caption_results, write_results
from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.image_sources import find_image_files, trace_image_sources, where_missing
from clcap_cli.reporting.thumbnails import side_of, thumbnails
from clcap_cli.stages.caption import caption
from clcap_cli.stages.extract_features import extract_features
from clcap_cli.stages.prepare_captions import prepare_captions
from tests.reporting.conftest import image


def retrieval(chain: Path, name: str = "nt", captions: str = "captions.h5") -> Path:
    """A retrieval file of images 33 and 34 with the lineage of the chain."""
    origin = Origin("self-retrieve", {})
    origin.add_input("captions", open_captions(chain / captions))
    origin.add_input("features", open_features(chain / "features.h5"))
    path = chain / f"{name}.retrieval.json"
    ranked = [image(33, "a dog", rank=1), image(34, "a cat", rank=2)]
    write_results(path, RETRIEVAL_KIND, Measurements({"images": 2}, {}, {}, ranked), origin)
    return path


def test_the_lineage_gives_names_references_and_images(chain: Path, shared_chain: Path) -> None:
    runs = trace_image_sources(open_runs([retrieval(chain)]))
    assert runs.names[33] == "0_000033.png"
    assert len(runs.references[33]) == 5
    assert runs.folders == [shared_chain / "scenes" / "images"]
    assert find_image_files([33, 34, 99], runs.names, runs.folders).keys() == {33, 34}


def test_folders_are_relative_to_where_features_were_made(chain: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    extract_features(Path("chain/captions.h5"), [Path("chain/scenes/images")], Path("chain/features.h5"), image_size=64)
    monkeypatch.chdir("/")
    runs = trace_image_sources(open_runs([retrieval(chain)]))
    assert runs.folders == [tmp_path / "chain" / "scenes" / "images"]


def test_metrics_files_lead_to_the_features(chain: Path) -> None:
    results = open_caption_results(caption(chain / "nt.pt", device="cpu"))
    origin = Origin("evaluate", {})
    origin.add_input("results", results)
    path = chain / "nt.metrics.json"
    scored = [image(id, text) for id, text in results.single_captions().items()]
    write_results(path, METRICS_KIND, Measurements({"images": 10}, {}, {}, scored), origin)
    runs = trace_image_sources(open_runs([path]))
    assert len(runs.folders) == 1
    assert set(results.captions) <= set(runs.names)


def test_deleted_files_are_no_error(chain: Path) -> None:
    path = retrieval(chain)
    for name in ("captions.h5", "features.h5"):
        (chain / name).unlink()
    runs = trace_image_sources(open_runs([path]))
    assert (runs.names, runs.references, runs.folders) == ({}, {}, [])


def test_pictures_are_found_after_the_project_was_moved(chain: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(chain)
    extract_features(Path("captions.h5"), [Path("scenes/images")], Path("features.h5"), image_size=64)
    path = retrieval(chain)
    moved = tmp_path / "elsewhere" / "renamed"
    monkeypatch.chdir(tmp_path)
    shutil.copytree(chain, moved)
    shutil.rmtree(chain / "scenes")
    sources = trace_image_sources(open_runs([moved / path.name]))
    assert find_image_files([33, 34], sources.names, sources.folders).keys() == {33, 34}
    (moved / "scenes").rename(moved / "lost")
    sources = trace_image_sources(open_runs([moved / path.name]))
    assert where_missing(sources, []) == (
        f"found: their folder scenes/images is in none of {moved}, {moved.parent}, {tmp_path}; give it with --images"
    )


def test_runs_of_other_data_are_refused(chain: Path) -> None:
    annotations = json.loads((chain / "scenes" / "captions_test.json").read_text())
    for entry in annotations["images"]:
        entry["file_name"] = f"other_{entry['file_name']}"
    (chain / "other.json").write_text(json.dumps(annotations))
    prepare_captions(test=[chain / "other.json"], train=[chain / "scenes" / "captions_train.json"], out=chain / "o.h5")
    runs = open_runs([retrieval(chain), retrieval(chain, "other", "o.h5")])
    with pytest.raises(
        ClcapError, match=r"image 33 is other_0_000033\.png for other and 0_000033\.png for another run"
    ):
        trace_image_sources(runs)


def test_ids_that_are_file_names_stay_inside_the_folders(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    (inside / "x").mkdir(parents=True)
    Image.new("RGB", (40, 30), "red").save(inside / "x" / "a.png")
    shutil.copy(inside / "x" / "a.png", tmp_path / "secret.png")
    ids = ["x/a.png", "../secret.png", str(tmp_path / "secret.png"), "none.png", "n" * 5000, "a\0b", "", 7]
    assert find_image_files(ids, {}, [inside]) == {"x/a.png": inside / "x" / "a.png"}
    assert find_image_files(ids, {}, []) == {}
    assert find_image_files([7], {7: "x/a.png"}, [inside]) == {7: inside / "x" / "a.png"}


def test_thumbnails_are_small_and_skip_bad_images(tmp_path: Path, capsys) -> None:
    Image.new("RGBA", (800, 400), (255, 0, 0, 128)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no picture")
    images = thumbnails({1: tmp_path / "good.png", 2: tmp_path / "bad.png"})
    assert images.keys() == {1}
    with Image.open(io.BytesIO(base64.b64decode(images[1]))) as image_path:
        assert (image_path.format, image_path.size) == ("WEBP", (512, 256))
    assert "1 of 2 images are left out; " in capsys.readouterr().err


def test_more_images_have_smaller_thumbnails() -> None:
    assert [side_of(images) for images in (0, 1, 200, 700, 5000)] == [512, 512, 512, 300, 160]
