"""evaluate --metrics CHAIR with COCO's instance annotations."""

import json
from pathlib import Path

import pytest

from clcap_cli.artifacts.results import METRICS_KIND, open_results

REFERENCES = "image_id,file_name,caption\n1,1.jpg,a dog\n2,2.jpg,two cats\n3,3.jpg,a bus on a road\n"
CAPTIONS = "image_id,caption\n1,a dog and a ball\n2,a cat on a sofa\n3,a car and a bus\n"
OPTIONS = ("--metrics", "CHAIR", "--tokenize", "whitespace")


def instances(images: list[str], categories: dict[str, int], present: dict[str, list[str]]) -> dict:
    """Instance annotations whose images have a file name and ids of their own."""
    return {
        "images": [{"id": 100 + at, "file_name": name} for at, name in enumerate(images)],
        "categories": [{"id": id, "name": name} for name, id in categories.items()],
        "annotations": [
            {"id": 1, "image_id": 100 + images.index(image), "category_id": categories[name]}
            for image, names in present.items()
            for name in names
        ],
    }


@pytest.fixture
def given(tmp_path: Path) -> tuple:
    """The options of evaluate for three images."""
    (tmp_path / "references.csv").write_text(REFERENCES)
    (tmp_path / "captions.csv").write_text(CAPTIONS)
    files = ("--predictions", tmp_path / "captions.csv", "--references", tmp_path / "references.csv")
    return (*files, *OPTIONS)


def write(path: Path, content: dict) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_annotations_are_matched_by_file_name(given: tuple, tmp_path: Path, clcap) -> None:
    content = instances(["1.jpg", "2.jpg"], {"sports ball": 37, "sofa": 2, "unicorn": 3}, {
        "1.jpg": ["sports ball", "unicorn"], "2.jpg": ["sofa"],
    })  # fmt: skip
    path = write(tmp_path / "i.json", content)
    result = clcap("evaluate", *given, "--objects", path)
    assert result.status == 0, result.err
    assert f"{path}: left out 1 of 3 categories, which are none of COCO's 80 objects: unicorn" in result.err
    assert f"warning: {path} lacks 1 of 3 images: 3; for CHAIR, they have only the objects that their" in result.err
    results = open_results(tmp_path / "captions.metrics.json", METRICS_KIND)
    assert {name: results.metrics[name] for name in ("CHAIR_i", "CHAIR_s", "mentioned_objects")} == {
        "CHAIR_i": pytest.approx(1 / 6),
        "CHAIR_s": pytest.approx(1 / 3),
        "mentioned_objects": 2,
    }
    assert [image["hallucinated_objects"] for image in results.images] == [[], [], ["car"]]
    assert "objects:i.json#" in results.signatures["CHAIR_i"]
    assert "objects" in [one.role for one in results.provenance.inputs]


def test_runs_are_compared_by_chair(given: tuple, tmp_path: Path, clcap) -> None:
    assert clcap("evaluate", *given).status == 0
    path, copied = tmp_path / "captions.metrics.json", tmp_path / "again.metrics.json"
    copied.write_bytes(path.read_bytes())
    result = clcap("compare", path, copied, "--out", tmp_path / "c.json")
    assert result.status == 0, result.err
    metrics = json.loads((tmp_path / "c.json").read_text())["comparisons"][0]["metrics"]
    assert metrics["CHAIR_i"]["first"] == pytest.approx(3 / 6)


def test_annotations_without_these_images_are_an_error(given: tuple, tmp_path: Path, error_of) -> None:
    path = write(tmp_path / "i.json", instances(["9.jpg"], {"dog": 1}, {"9.jpg": ["dog"]}))
    assert error_of("evaluate", *given, "--objects", path) == (
        f"{path} has none of the 3 images, such as 1, 2, 3; give the instance annotations of their split"
    )


def test_annotations_of_other_objects_are_an_error(given: tuple, tmp_path: Path, error_of) -> None:
    path = write(tmp_path / "i.json", instances(["1.jpg"], {"unicorn": 1}, {"1.jpg": ["unicorn"]}))
    message = error_of("evaluate", *given, "--objects", path)
    assert message == f"{path} has none of COCO's 80 objects; its categories are unicorn"


def test_objects_without_chair_are_refused(tmp_path: Path, usage_error_of, given: tuple) -> None:
    path = write(tmp_path / "i.json", {})
    message = usage_error_of("evaluate", *given[:4], "--metrics", "ROUGE_L", "--objects", path)
    assert "--objects: only CHAIR uses it; name the metric with --metrics" in message
