"""Invalid input gives one message: what is wrong, where, and what to do."""

import json
import pickle
import re
from pathlib import Path

import h5py
import pytest
import torch
from PIL import Image

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.stages.extract_features import extract_features
from clcap_cli.stages.make_scenes import make_scenes
from clcap_cli.stages.prepare_captions import prepare_captions
from tests.reporting.conftest import image, write

__all__ = ["write"]


def truncate(path: Path, share: float = 0.5) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])


def coco(path: Path, images: list[dict], annotations: list[dict]) -> Path:
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return path


IMAGE = {"id": 1, "file_name": "a.jpg"}
NOTE = {"id": 1, "image_id": 1, "caption": "a dog"}


def test_a_missing_file_is_reported(error_of, tmp_path: Path) -> None:
    missing = tmp_path / "none.json"
    assert error_of("prepare-captions", missing) == f"no such file: {missing}"
    assert error_of("train-mle", missing, missing) == f"no such file: {missing}"
    assert error_of("train-cl", "--ref", missing) == f"no such file: {missing}"
    assert error_of("evaluate", missing) == f"no such file: {missing}"
    assert error_of("show", missing) == f"no such file: {missing}"


@pytest.mark.parametrize("name", ["captions.h5", "features.h5"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_truncated_hdf5_is_refused(error_of, chain: Path, name: str, share: float) -> None:
    truncate(chain / name, share)
    message = error_of("train-mle", chain / "captions.h5", chain / "features.h5")
    assert message == (
        f"{chain}/{name} is not a readable HDF5 file (damaged or truncated): truncated file; create it again"
    )


def test_an_hdf5_file_of_another_program_is_refused(error_of, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["numbers"] = [1, 2]
    path = tmp_path / "x.h5"
    assert error_of("train-mle", path, path) == (
        f"{path} is an HDF5 file of another program (it contains numbers); a captions file (*.h5) of prepare-captions "
        "is expected here"
    )


def test_the_wrong_kind_of_artifact_is_refused(error_of, chain: Path) -> None:
    message = error_of("train-mle", chain / "features.h5", chain / "captions.h5")
    assert message == (
        f"{chain}/features.h5 is a features file (*.h5) of extract-features or import-features; "
        "a captions file (*.h5) of prepare-captions is expected here"
    )


def test_truncated_json_is_refused(error_of, chain: Path) -> None:
    path = chain / "scenes" / "captions_train.json"
    truncate(path)
    message = error_of("prepare-captions", "--train", path, "--out", chain / "new.h5")
    line = path.read_text().count("\n") + 1
    assert re.fullmatch(
        re.escape(f"{path} is not valid JSON at line {line}, column ") + r"\d+: [A-Z][^;]+; is the file complete\?",
        message,
    )
    assert not (chain / "new.h5").exists()


def test_an_annotation_without_its_image_is_refused(error_of, tmp_path: Path) -> None:
    path = coco(tmp_path / "c.json", [IMAGE], [NOTE, {**NOTE, "id": 2, "image_id": 7}])
    assert error_of("prepare-captions", "--train", path) == (
        f"{path}: 1 of the annotated images are not listed under 'images': 7; is the file complete?"
    )


def test_json_of_another_structure_is_refused(error_of, tmp_path: Path) -> None:
    path = coco(tmp_path / "c.json", [IMAGE], [{"id": 1, "image_id": 1}])
    assert error_of("prepare-captions", "--train", path) == (
        f"{path}: no annotation has a caption; their keys are id, image_id. Captions of COCO are in files such as "
        "captions_train2017.json"
    )


def test_an_empty_split_is_refused(error_of, chain: Path) -> None:
    assert error_of("caption", chain / "nt.pt", "--split", "holdout") == (
        f"{chain}/captions.h5 has no images in split 'holdout'; it has: train 24, val 8, test 10"
    )


def test_a_missing_training_split_is_refused(error_of, tmp_path: Path) -> None:
    path = coco(tmp_path / "c.json", [IMAGE], [NOTE])
    assert error_of("prepare-captions", "--val", path) == "no image is in the split 'train'; the splits are: val 1"


def test_a_missing_validation_split_is_refused(error_of, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (40, 40)).save("a.jpg")
    captions = prepare_captions(train=[coco(tmp_path / "c.json", [IMAGE], [NOTE])], min_count=1)
    extract_features(captions, [Path()], backbone="resnet18", weights="random", image_size=32)
    assert error_of("train-mle", "captions.h5", "features.h5") == (
        "captions.h5 has no images in split 'val'; it has: train 1"
    )


def test_an_unknown_backbone_is_refused(error_of, chain: Path) -> None:
    images = chain / "scenes" / "images"
    message = error_of("extract-features", chain / "captions.h5", "--images", images, "--backbone", "resnet512")
    assert message == "unknown backbone 'resnet512'; did you mean resnet51q, resnet152 or resnet152s?"


def test_features_of_another_backbone_are_refused(error_of, chain: Path) -> None:
    other = extract_features(
        chain / "captions.h5",
        [chain / "scenes" / "images"],
        out=chain / "other.h5",
        backbone="resnet18",
        weights="random",
        image_size=32,
    )
    assert error_of("caption", chain / "nt.pt", "--features", other) == (
        f"{other} does not come from the backbone that {chain}/nt.pt expects: "
        f"its name is resnet18, expected tf_efficientnet_lite0; give features of the images of {chain}/captions.h5 "
        f"from the backbone of {chain}/nt.pt with --features, such as {chain}/features.h5"
    )


def test_captions_with_another_vocabulary_are_refused(error_of, chain: Path) -> None:
    files = {split: [chain / "scenes" / f"captions_{split}.json"] for split in ("train", "val", "test")}
    other = prepare_captions(**files, out=chain / "other.h5", min_count=9)
    message = error_of("train-cl", "--ref", chain / "nt.pt", "--captions", other)
    sizes = [len(open_captions(path).tokenizer.words) for path in (other, chain / "captions.h5")]
    assert message == (
        f"{other} and {chain}/nt.pt have different vocabularies ({sizes[0]} and {sizes[1]} words); "
        "both must come from the same prepare-captions"
    )


def test_features_that_lack_an_image_are_refused(error_of, chain: Path) -> None:
    files = {split: [chain / "scenes" / f"captions_{split}.json"] for split in ("train", "val", "test")}
    few = prepare_captions(**files, out=chain / "few.h5", min_count=2, limit=4)
    features = extract_features(few, [chain / "scenes" / "images"], out=chain / "few_features.h5", image_size=64)
    assert error_of("train-mle", chain / "captions.h5", features) == (
        f"{features} has no features for 20 of 24 images, the first is 5; "
        "extract the features of the same captions.h5, or give a file that has them"
    )


class Evil:
    def __reduce__(self):
        return print, ("this must never be printed",)


@pytest.mark.parametrize("plain", [True, False])
def test_a_pickled_checkpoint_is_refused(error_of, tmp_path: Path, plain: bool) -> None:
    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(Evil())) if plain else torch.save({"weights": Evil()}, path)
    assert error_of("train-cl", "--ref", path) == (
        f"{path} contains pickled Python objects, which clcap never loads because they can run code; "
        "only checkpoints written by clcap can be used"
    )


@pytest.mark.parametrize("share", [0.2, 0.7, 0.99])
def test_a_truncated_checkpoint_is_refused(error_of, chain: Path, share: float) -> None:
    truncate(chain / "nt.pt", share)
    message = error_of("train-cl", "--ref", chain / "nt.pt")
    assert message == f"{chain}/nt.pt is not a readable checkpoint (damaged or truncated); create it again"


def test_a_checkpoint_of_another_tool_is_refused(error_of, tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"state_dict": {"w": torch.zeros(2)}}, path)
    assert error_of("caption", path) == (
        f"{path} is a PyTorch file of another program (it contains state_dict); a checkpoint (*.pt) of train-mle or "
        "train-cl is expected here"
    )


def test_a_newer_format_is_refused(error_of, chain: Path) -> None:
    content = torch.load(chain / "nt.pt", weights_only=True)
    content["provenance"] |= {"version": 99, "clcap": "9.0"}
    torch.save(content, chain / "nt.pt")
    assert error_of("caption", chain / "nt.pt") == (
        f"{chain}/nt.pt has format clcap/checkpoint version 99, written by clcap 9.0; "
        "this clcap 0.1.0 reads up to version 5: upgrade clcap"
    )


def test_an_output_that_cannot_be_written_is_refused(error_of, chain: Path) -> None:
    below = chain / "nt.pt" / "x.pt"
    assert error_of("train-cl", "--ref", chain / "nt.pt", "--out", below) == (
        f"{below} cannot be written: {chain}/nt.pt is not a folder"
    )
    assert error_of("train-cl", "--ref", chain / "nt.pt", "--out", chain) == (
        f"{chain} cannot be written: it is a folder; give the name of a file"
    )


def test_a_pool_larger_than_the_split_is_refused(error_of, chain: Path) -> None:
    assert error_of("self-retrieve", chain / "nt.pt", "--pool", 11) == (
        "--pool 11 is more than the 10 images of split 'test'"
    )


@pytest.mark.parametrize("words", [("train-cl", "--ref", "nt.pt", "--k", "0"), ("train-cl", "--k", "5"), ("trian",)])
def test_an_invalid_command_line_exits_with_2(clcap, words: tuple[str, ...]) -> None:
    result = clcap(*words)
    assert result.status == 2
    assert result.out == ""
    assert len(result.err.strip().splitlines()) == 1


def test_k_of_0_is_refused(clcap) -> None:
    assert clcap("train-cl", "--ref", "nt.pt", "--k", 0).err == (
        "error: --k: must be greater than or equal to 1, not '0' (see clcap train-cl --help)\n"
    )


def test_an_unknown_objective_is_refused(clcap) -> None:
    message = clcap("train-cl", "--ref", "nt.pt", "--objective", "gan").err
    assert message.startswith("error: --objective: unknown objective 'gan'; expected one of: contrastive, ")


@pytest.mark.parametrize("words", [("--seed", -1), ("--clip", 0), ("--nu", "inf"), ("--beta", "inf")])
def test_settings_without_effect_on_training_are_refused(clcap, words: tuple[str, object]) -> None:
    result = clcap("train-cl", "--ref", "nt.pt", *words)
    assert result.status == 2
    assert result.err.startswith(f"error: {words[0]}: ")


def test_a_moved_input_is_reported(error_of, chain: Path) -> None:
    (chain / "captions.h5").rename(chain / "moved.h5")
    assert error_of("caption", chain / "nt.pt") == (
        f"{chain}/nt.pt was created from {chain}/captions.h5, which no longer exists; give its new path with --captions"
    )


def test_a_changed_input_is_reported(error_of, chain: Path) -> None:
    files = {split: [chain / "scenes" / f"captions_{split}.json"] for split in ("train", "val", "test")}
    prepare_captions(**files, out=chain / "captions.h5", min_count=3)
    message = error_of("caption", chain / "nt.pt")
    assert message.startswith(f"{chain}/captions.h5 has changed since {chain}/nt.pt was created from it (then ")
    assert message.endswith("); to use it anyway, give it with --captions")


def test_an_identically_remade_input_is_accepted(clcap, chain: Path) -> None:
    files = {split: [chain / "scenes" / f"captions_{split}.json"] for split in ("train", "val", "test")}
    prepare_captions(**files, out=chain / "captions.h5", min_count=2)
    assert clcap("caption", chain / "nt.pt").status == 0


def test_a_bad_image_is_named(error_of, chain: Path) -> None:
    bad = chain / "scenes" / "images" / "0_000007.png"
    bad.write_bytes(b"not a picture")
    message = error_of("extract-features", chain / "captions.h5", "--images", bad.parent, "--image-size", 64)
    assert message == (
        f"1 of 42 images cannot be read: {bad} is not a readable image: it is a text file that starts with "
        "'not a picture'; leave such images out with --skip-bad"
    )


def test_a_missing_image_is_named(error_of, chain: Path) -> None:
    gone = chain / "scenes" / "images" / "0_000007.png"
    gone.unlink()
    message = error_of("extract-features", chain / "captions.h5", "--images", gone.parent, "--image-size", 64)
    assert message == (f"1 of 42 images cannot be read: no such file: {gone}; leave such images out with --skip-bad")


def test_results_of_another_split_are_refused(error_of, chain: Path, clcap) -> None:
    clcap("caption", chain / "nt.pt", "--split", "val")
    assert error_of("evaluate", chain / "nt.captions.json", "--split", "test") == (
        f"{chain}/nt.captions.json: 8 of 8 captions are of images without references: 25, 26, 27, 28, 29, …; "
        "10 of 10 images with references have no caption: 33, 34, 35, 36, 37, … "
        "(the captions seem to be those of split 'val')"
    )


def test_results_with_a_duplicate_image_are_refused(error_of, chain: Path) -> None:
    path = chain / "r.json"
    path.write_text(json.dumps([{"image_id": 1, "caption": "a"}] * 2))
    message = f"{path} has more than one caption for 1 images: 1"
    assert error_of("self-retrieve", chain / "nt.pt", "--predictions", path) == message


def test_a_worse_candidate_is_refused(error_of, chain: Path, clcap) -> None:
    worse = torch.load(chain / "nt.pt", weights_only=True)
    worse["weights"]["output.bias"][5] += 20  # makes captions repeat one word
    torch.save(worse, chain / "worse.pt")
    message = error_of("swap-reference", "--ref", chain / "nt.pt", "--candidate", chain / "worse.pt")
    assert message.startswith(f"{chain}/worse.pt is a worse reference than {chain}/nt.pt: mean ")
    assert message.endswith("; accept it anyway with --force")
    assert not (chain / "nt_ref1.pt").exists()
    forced = clcap("swap-reference", "--ref", chain / "nt.pt", "--candidate", chain / "worse.pt", "--force")
    assert forced.out == f"{chain}/nt_ref1.pt\n"


def test_a_text_file_is_no_checkpoint(error_of, tmp_path: Path) -> None:
    path = tmp_path / "page.pt"
    path.write_text("<!doctype html><html>quota exceeded</html>")
    assert error_of("caption", path) == (
        f"{path} is an HTML page, not the file itself; a checkpoint (*.pt) of train-mle or train-cl is expected here: "
        "download the file itself; the link leads to a page about it"
    )


def test_missing_references_are_reported(error_of, chain: Path, clcap) -> None:
    clcap("caption", chain / "nt.pt")
    results, missing = chain / "nt.captions.json", chain / "none.json"
    assert error_of("evaluate", results, "--references", missing) == f"no such file: {missing}"
    empty = coco(chain / "empty.json", [IMAGE], [])
    assert error_of("evaluate", results, "--references", empty) == f"{empty} contains no captions"


@pytest.mark.parametrize("caption", ["a \ud83d", "a\0b"])
def test_a_caption_that_is_not_text_is_refused(error_of, tmp_path: Path, caption: str) -> None:
    path = coco(tmp_path / "c.json", [IMAGE], [{**NOTE, "caption": caption}])
    assert error_of("prepare-captions", "--train", path) == (
        "image 1 (a.jpg) has a caption that is not valid text; fix it"
    )


@pytest.mark.parametrize("device", ["cuda:99", "cuda:9"])
def test_an_unavailable_device_is_reported(error_of, chain: Path, device: str) -> None:
    assert error_of("caption", chain / "nt.pt", "--device", device).startswith(f"no device '{device}' on this machine")


@pytest.mark.parametrize("device", ["cuba", "cpu:x", "tpu", "cuda:", ""])
def test_a_device_that_no_machine_has(usage_error_of, device: str) -> None:
    message = f"error: --device: unknown device '{device}'; expected auto, cpu, cuda, cuda:N or mps"
    assert usage_error_of("caption", "nt.pt", "--device", device) == f"{message} (see clcap caption --help)"


def test_features_of_other_images_with_equal_ids_are_refused(error_of, chain: Path) -> None:
    make_scenes(chain / "others", train=24, val=8, test=10, seed=1)
    files = {split: [chain / "others" / f"captions_{split}.json"] for split in ("train", "val", "test")}
    other = prepare_captions(**files, out=chain / "others.h5", min_count=2)
    assert error_of("train-mle", other, chain / "features.h5") == (
        f"{chain}/features.h5 and {other} have different images: image 1 is 0_000001.png in the first and 1_000001.png "
        f"in the second; give features of the images of {other}"
    )


def test_a_diverged_model_writes_no_results(error_of, chain: Path) -> None:
    broken = torch.load(chain / "nt.pt", weights_only=True)
    broken["weights"]["output.weight"][:] = 3e38
    torch.save(broken, chain / "broken.pt")
    assert error_of("train-cl", "--ref", chain / "broken.pt") == (
        "ln p of a caption is not a finite number: the training of the model diverged"
    )
    assert not (chain / "broken_cl.pt").exists()
    assert not (chain / "broken.reference.h5").exists()


def test_images_without_their_option_are_explained(usage_error_of, chain: Path) -> None:
    assert usage_error_of("caption", chain / "nt.pt", "a.jpg") == (
        "error: CHECKPOINTS: a.jpg is not a checkpoint (*.pt); give images with --images: "
        "clcap caption nt.pt --images a.jpg (see clcap caption --help)"
    )


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"rows": {"MLE": 1}}, "is not a list of tables: at 0.rows.MLE: Input should be a valid string"),
        ({"colour": "red"}, "is not a list of tables: at 0.colour: Extra inputs are not permitted"),
        ({"figures": ["CIDEr"]}, "is not a list of tables: at 0: figures is now called metrics"),
        (
            {"metrics": []},
            "is not a list of tables: at 0.metrics: List should have at least 1 item after validation, not 0",
        ),
        (
            {"rows": {"AA": "aa_{seed}"}},
            "no run's name matches any row pattern (aa_{seed}); the runs are nt_1",
        ),
    ],
)
def test_invalid_table_definitions_are_refused(error_of, write, tmp_path: Path, bad: dict, reason: str) -> None:
    path = tmp_path / "tables.json"
    table = {"name": "main", "title": "MLE", "metrics": ["CIDEr"], "rows": {"MLE": "nt_{seed}"}}
    path.write_text(json.dumps([table | bad]))
    message = error_of("report", write("nt_1.metrics.json", [image(1, "a dog")], {"CIDEr": 1.0}), "--tables", path)
    assert message.removeprefix(str(path)).lstrip(": ") == reason
    assert not (tmp_path / "report.html").exists()


def test_unreadable_table_definitions_are_refused(error_of, write, tmp_path: Path) -> None:
    path, run = tmp_path / "tables.json", write("nt_1.metrics.json", [image(1, "a dog")])
    assert error_of("report", run, "--tables", path) == f"no such file: {path}"
    path.write_text('[{"name": ')
    assert error_of("report", run, "--tables", path) == (
        f"{path} is not valid JSON at line 1, column 11: Expecting value; is the file complete?"
    )
    path.write_text('{"name": "main"}')
    assert error_of("report", run, "--tables", path) == (
        f"{path} is not a list of tables: at the top level: Input should be a valid list"
    )
