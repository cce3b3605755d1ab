"""Ids identify one image, and cells hold the captions that were written into them."""

import json
from pathlib import Path

import h5py
import pytest

from clcap_cli.artifacts.captions import open_captions, write_captions
from clcap_cli.artifacts.json_files import provenance_path
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.results import CAPTIONS_KIND, open_caption_results, open_results
from clcap_cli.datasets.captions_by_image import read_captions_by_image
from clcap_cli.datasets.records import ImageRecord
from clcap_cli.digests import digest_of_json
from clcap_cli.errors import ClcapError
from clcap_cli.tokenizers.words import WordTokenizer
from tests.stages.test_bad_input import IMAGE, NOTE, coco

OTHER = {**IMAGE, "file_name": "b.jpg"}


def karpathy(path: Path, ids: list, caption: object = "a dog") -> Path:
    images = [
        {"filename": f"{at}.jpg", "cocoid": id, "split": "train", "sentences": [{"raw": caption}]}
        for at, id in enumerate(ids)
    ]
    path.write_text(json.dumps({"images": images}))
    return path


def results(path: Path, ids: list, caption: object = "a dog") -> Path:
    path.write_text(json.dumps([{"image_id": id, "caption": caption} for id in ids]))
    return path


def test_two_images_with_one_id_are_refused(error_of, tmp_path: Path) -> None:
    path = coco(tmp_path / "c.json", [IMAGE, OTHER], [NOTE])
    message = f"{path}: the images a.jpg and b.jpg have the same id, 1; give each image its own id"
    assert error_of("prepare-captions", "--train", path) == message
    assert error_of("evaluate", "--predictions", path, "--references", path) == message
    files = [coco(tmp_path / f"{one['file_name']}.json", [one], [NOTE]) for one in (IMAGE, OTHER)]
    assert error_of("prepare-captions", "--train", files[0], "--val", files[1]) == (
        f"the images a.jpg ({files[0]}) and b.jpg ({files[1]}) have the same id, 1; give each image its own id"
    )
    path = karpathy(tmp_path / "k.json", [1, 1])
    assert error_of("prepare-captions", path) == (
        f"{path}: the images 0.jpg and 1.jpg have the same id, 1 (images.0 and images.1); give each image its own id"
    )


def test_a_number_and_its_text_are_the_same_id(error_of, clcap, tmp_path: Path) -> None:
    text, annotation = {**OTHER, "id": "1"}, {**NOTE, "image_id": "1"}
    path = coco(tmp_path / "c.json", [IMAGE, text], [NOTE, annotation])
    message = "the images a.jpg and b.jpg have the same id, 1; give each image its own id"
    assert error_of("prepare-captions", "--train", path) == f"{path}: {message}"
    files = [
        coco(tmp_path / f"{at}.json", [one], [other])
        for at, (one, other) in enumerate([(IMAGE, NOTE), (text, annotation)])
    ]
    assert "have the same id, 1" in error_of("prepare-captions", "--train", files[0], "--val", files[1])
    arguments = ("--references", files[0], "--metrics", "ROUGE_L", "--out", tmp_path / "m.json")
    for predictions in (results(tmp_path / "text.json", ["1"]), results(tmp_path / "both.json", [1, "1"])):
        assert clcap("evaluate", "--predictions", predictions, *arguments).status == 0
        assert [image["image_id"] for image in open_results(tmp_path / "m.json").images] == [1]


@pytest.mark.parametrize(("id", "other"), [(1, "1"), ("1", 1)])
def test_annotations_with_other_types_of_ids_are_matched(clcap, tmp_path: Path, id: object, other: object) -> None:
    path = coco(tmp_path / "c.json", [{**IMAGE, "id": id}], [{**NOTE, "image_id": other}])
    out = tmp_path / "c.h5"
    assert clcap("prepare-captions", "--train", path, "--min-count", 1, "--out", out).status == 0
    assert open_captions(out).image_ids == [1]


@pytest.mark.parametrize(
    ("id", "reason"),
    [
        (1.5, "the number 1.5 is not an id; give an integer or a string"),
        (float("nan"), "it is empty"),
        (True, "a boolean is not an id; give an integer or a string"),
        ([1], "a list is not an id; give an integer or a string"),
        (None, "it is empty"),
        (" ", "it is empty"),
    ],
)
def test_values_that_are_no_ids_are_refused(error_of, tmp_path: Path, id: object, reason: str) -> None:
    path = coco(tmp_path / "c.json", [{**IMAGE, "id": id}], [NOTE])
    assert error_of("prepare-captions", "--train", path) == f"{path}: images.0, 'id': {reason}"
    path = karpathy(tmp_path / "k.json", [id])
    assert error_of("prepare-captions", path) == f"{path}: images.0, column 'image_id': {reason}"
    path = results(tmp_path / "r.json", [id])
    assert error_of("evaluate", path) == f"{path}: record 0, column 'image_id': {reason}"


@pytest.mark.parametrize("ends", [[-(2**63), 2**63 - 1], [str(-(2**63) - 1), str(2**63), "a"]])
def test_the_largest_ids_are_preserved(clcap, tmp_path: Path, ends: list) -> None:
    images = [{"id": id, "file_name": f"{id}.jpg"} for id in ends]
    path = coco(tmp_path / "c.json", images, [{**NOTE, "image_id": id} for id in ends])
    out = tmp_path / "c.h5"
    assert clcap("prepare-captions", "--train", path, "--out", out, "--min-count", 1).status == 0
    assert open_captions(out).image_ids == ends


def test_numbers_among_text_ids_stay_numbers(clcap, tmp_path: Path) -> None:
    path, out = karpathy(tmp_path / "k.json", [1, "b"]), tmp_path / "c.h5"
    assert clcap("prepare-captions", path, "--out", out, "--min-count", 1).status == 0
    assert open_captions(out).image_ids == [1, "b"]


@pytest.mark.parametrize("ids", [["1", "b"], ["pe\u0302che.jpg"], ["7", "8"]])
def test_earlier_results_keep_their_provenance(tmp_path: Path, ids: list[str]) -> None:
    """Earlier versions wrote all ids as text if one was, in any Unicode form."""
    path = results(tmp_path / "r.json", ids)
    provenance = Origin("caption", {}).make_provenance(
        CAPTIONS_KIND, digest_of_json(json.loads(path.read_text())), path
    )
    provenance_path(path).write_text(provenance.model_dump_json())
    assert open_caption_results(path).provenance == provenance
    path.write_text(path.read_text().replace("a dog", "a cat"))
    assert open_caption_results(path).provenance is None


def test_the_id_of_captions_with_text_ids_is_the_same_as_before(tmp_path: Path) -> None:
    written = []
    for ids in ([7, "b"], ["7", "b"]):
        images = [ImageRecord(id, f"{id}.jpg", "train", ["a dog"]) for id in ids]
        write_captions(tmp_path / "c.h5", images, WordTokenizer(["a"]), 3, Origin("test", {}))
        written.append(open_captions(tmp_path / "c.h5"))
    assert written[0].provenance.id == written[1].provenance.id
    assert written[0].image_ids == written[1].image_ids == [7, "b"]


def test_numbers_stored_as_text_in_earlier_files_match(chain: Path, clcap) -> None:
    for name, dataset in (("captions.h5", "images/id"), ("features.h5", "ids")):
        with h5py.File(chain / name, "a") as file:
            ids = [str(id) for id in file[dataset][:]]
            del file[dataset]
            file.create_dataset(dataset, data=ids, dtype=h5py.string_dtype())
    assert clcap("caption", chain / "nt.pt", "--device", "cpu").status == 0
    expected = [image["id"] for image in json.loads((chain / "scenes" / "captions_test.json").read_text())["images"]]
    assert list(open_caption_results(chain / "nt.captions.json").captions) == expected
    references = ("--references", chain / "scenes" / "captions_test.json", "--metrics", "ROUGE_L")
    assert clcap("evaluate", chain / "nt.captions.json", *references).status == 0


@pytest.mark.parametrize("caption", [["a dog", "a cat"], '["a dog", "a cat"]', "['a dog' 'a cat']"])
def test_a_list_of_captions_is_not_one_text_with_brackets(clcap, tmp_path: Path, caption: object) -> None:
    result = coco(tmp_path / "c.json", [IMAGE], [{**NOTE, "caption": caption}])
    for arguments in (("--train", result), (karpathy(tmp_path / "k.json", [1], caption),)):
        out = tmp_path / "c.h5"
        assert clcap("prepare-captions", *arguments, "--out", out, "--min-count", 1).status == 0
        assert open_captions(out).raw == ["a dog", "a cat"]
    assert (
        read_captions_by_image(result)
        == read_captions_by_image(results(tmp_path / "r.json", [1], caption))
        == {1: ["a dog", "a cat"]}
    )


def test_a_list_of_captions_gives_several_predictions(tmp_path: Path) -> None:
    assert open_caption_results(results(tmp_path / "r.json", [1], ["a dog"])).single_captions() == {1: "a dog"}
    several = open_caption_results(results(tmp_path / "r.json", [1], ["a dog", "a cat"]))
    assert several.captions == {1: ["a dog", "a cat"]}
    with pytest.raises(ClcapError, match="has more than one caption for 1 images: 1"):
        several.single_captions()


@pytest.mark.parametrize("caption", [5, None, ["a dog", 5], ["a dog", ["a cat"]], {"file": "a dog"}])
def test_json_captions_that_are_not_text_are_refused(error_of, tmp_path: Path, caption: object) -> None:
    path = coco(tmp_path / "c.json", [IMAGE], [{**NOTE, "caption": caption}])
    assert error_of("prepare-captions", "--train", path).startswith(f"{path}: annotations.0, column 'caption': ")


@pytest.mark.parametrize("broken", ["\0", "\ud83d"])
@pytest.mark.parametrize("part", ["id", "file_name"])
def test_a_file_name_that_is_not_text_is_refused(error_of, tmp_path: Path, part: str, broken: str) -> None:
    image = {**IMAGE, part: f"a{broken}b"}
    path = coco(tmp_path / "c.json", [image], [{**NOTE, "image_id": image["id"]}])
    assert error_of("prepare-captions", "--train", path).endswith(
        f" {part.replace('_', ' ')} that is not valid text; fix it"
    )


def test_a_split_name_that_is_not_text_is_refused(error_of, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"image": "a.jpg", "split": "tr\\u0000ain", "caption": "a dog"}')
    assert error_of("prepare-captions", path).endswith(" has a split that is not valid text; fix it")


def test_ids_and_captions_that_are_not_text_are_refused(error_of, tmp_path: Path) -> None:
    path = results(tmp_path / "r.json", ["a\0b"])
    assert error_of("evaluate", path).endswith(" contains a NUL character")
    path = results(tmp_path / "r.json", ["a"], "a\0dog")
    assert error_of("evaluate", path) == f"{path}: the caption of image a contains a NUL character"
