"""COCO's instance annotations: objects by image, and files that are something else."""

import json
from pathlib import Path

import pytest

from clcap_cli.datasets.coco_instances import read_image_objects
from clcap_cli.errors import ClcapError

INSTANCES = {
    "info": {"year": 2017},
    "images": [
        {"id": 7, "file_name": "000000000007.jpg", "height": 2},
        {"id": 8, "file_name": "8.jpg"},
        {"id": "x", "file_name": None},
    ],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 18, "segmentation": [[0.5, 1.5]], "bbox": [1, 2, 3, 4], "iscrowd": 0},
        {"id": 2, "image_id": 7, "category_id": 18, "segmentation": {"counts": [1, 2], "size": [2, 2]}},
        {"id": 3, "image_id": 7, "category_id": 1},
        {"id": 4, "image_id": "x", "category_id": 1},
        {"id": 5, "image_id": 99, "category_id": 1},
    ],
    "categories": [{"id": 18, "name": "dog", "supercategory": "animal"}, {"id": 1, "name": "person"}],
}


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_objects_of_each_image_are_read(tmp_path: Path) -> None:
    found = read_image_objects(write(tmp_path / "i.json", INSTANCES))
    assert found.categories == {7: {"dog", "person"}, 8: frozenset(), "x": {"person"}}
    assert found.file_names == {7: "000000000007.jpg", 8: "8.jpg", "x": None}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            {**INSTANCES, "annotations": [{"id": 1, "image_id": 7, "caption": "a dog"}]},
            "at annotations.0.category_id: ",
        ),
        ({"images": [], "annotations": []}, "at categories: Field required"),
        ({**INSTANCES, "images": [{"id": [1]}]}, "at images.0.id."),
        ([{"image_id": 7, "caption": "a dog"}], "at the top level: "),
    ],
)
def test_other_files_are_named_as_such(content: object, reason: str, tmp_path: Path) -> None:
    path = write(tmp_path / "i.json", content)
    with pytest.raises(ClcapError) as raised:
        read_image_objects(path)
    expected = f"{path} is not a file of COCO's instance annotations (such as instances_val2017.json): {reason}"
    assert str(raised.value).startswith(expected)


def test_a_truncated_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "i.json"
    path.write_text(json.dumps(INSTANCES)[:200])
    with pytest.raises(ClcapError, match="is not valid JSON at line 1"):
        read_image_objects(path)
