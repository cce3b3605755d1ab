"""Captioners loaded from Python give the results of the stages."""

import gc
import json
import warnings
import weakref
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import clcap_cli as clcap
from clcap_cli.api.captioner import Decoding
from clcap_cli.decoding.settings import DecodingSettings

SEARCHED = {"min_words": 3, "beam": 2}
SAMPLED = {"temperature": 1.0, "seed": 3, "num_captions": 2}


@pytest.fixture(scope="module")
def pictures(shared_chain: Path) -> list[Path]:
    return sorted((shared_chain / "scenes" / "images").glob("*"))[:4]


@pytest.fixture(scope="module")
def captioner(shared_chain: Path) -> clcap.LoadedCaptioner:
    return clcap.load(shared_chain / "nt.pt", device="cpu")


@pytest.mark.parametrize(("names", "settings"), [(["nt.pt"], SAMPLED), (["nt.pt", "aa.pt"], SEARCHED)], ids=str)
def test_captions_equal_those_of_the_caption_stage(
    shared_chain: Path, tmp_path: Path, pictures: list[Path], names: list[str], settings: dict
) -> None:
    paths = [shared_chain / name for name in names]
    written = clcap.caption(paths, images=pictures, out=tmp_path / "c.json", device="cpu", **settings)
    expected = [entry["caption"] for entry in json.loads(written.read_text())]
    captions = clcap.load(map(str, paths), device="cpu").caption(pictures, **settings)
    assert np.array(captions).flatten().tolist() == expected and any(expected)


def test_an_image_may_be_a_path_a_string_or_a_pil_image(captioner, pictures: list[Path]) -> None:
    path = pictures[0]
    with Image.open(path) as image:
        given = [path, str(path), image, Image.open(path).convert("RGBA")]
        texts = captioner.caption(given, **SEARCHED)
        assert [captioner.caption(one, **SEARCHED) for one in given] == texts
        log_probs = [captioner.log_prob(one, texts[0]) for one in given]
        assert captioner.caption([image] * 9, **SEARCHED) == texts[:1] * 9
    assert len(set(texts)) == 1 and len(set(log_probs)) == 1


def test_several_images_get_the_captions_of_each_alone(captioner, pictures: list[Path]) -> None:
    every = [captioner.caption(image, num_captions=2) for image in pictures]
    assert captioner.caption(iter(pictures), num_captions=2) == every
    assert [len(own) for own in every] == [2] * 4
    assert captioner.caption(pictures[0], num_captions=1) == every[0][:1]
    assert captioner.caption(pictures[0]) == every[0][0]
    assert captioner.caption([]) == []


@pytest.mark.parametrize("name", ["nt", "aa"])
def test_log_probs_equal_those_of_self_retrieval(shared_chain: Path, tmp_path: Path, name: str) -> None:
    checkpoint = shared_chain / f"{name}.pt"
    written = clcap.self_retrieve(checkpoint, temperature=1.0, out=tmp_path / "r.json", device="cpu")
    captioner = clcap.load(checkpoint, device="cpu")
    for entry in json.loads(written.read_text())["images"][:3]:
        image = shared_chain / "scenes" / "images" / f"0_{entry['image_id']:06d}.png"
        log_probs = captioner.log_prob(image, [entry["caption"], "a"])
        assert log_probs[0] == pytest.approx(entry["log_prob"], abs=0.02)  # stored features are float16
        assert log_probs[1] == pytest.approx(captioner.log_prob(image, "a"), abs=1e-4) != log_probs[0]


def test_an_ensemble_of_identical_models_equals_the_model(shared_chain: Path, captioner, pictures: list[Path]) -> None:
    twice = clcap.load([shared_chain / "nt.pt"] * 2, device="cpu")
    texts = ["a red circle", "", "a"]
    assert twice.log_prob(pictures[0], texts) == pytest.approx(captioner.log_prob(pictures[0], texts), abs=1e-4)


def test_nothing_keeps_a_captioner_that_is_deleted(shared_chain: Path, pictures: list[Path]) -> None:
    loaded = clcap.load(shared_chain / "nt.pt", device="cpu")
    loaded.caption(pictures[:2])
    model = weakref.ref(loaded._models[0].backbone.network)
    del loaded
    gc.collect()
    assert model() is None


def test_unknown_words_are_counted_in_a_warning(captioner, pictures: list[Path]) -> None:
    with pytest.warns(UserWarning, match=r"^2 of 3 words are not in the model's vocabulary") as caught:
        captioner.log_prob(pictures[0], ["a zebra", "zebra"])
    assert caught[0].filename == __file__
    with warnings.catch_warnings(action="error"):
        assert captioner.log_prob(pictures[0], []) == []
        assert captioner.log_prob(pictures[0], "A circle!") == captioner.log_prob(pictures[0], "a circle")


def test_the_signature_lists_every_decoding_setting() -> None:
    assert Decoding.__annotations__.keys() == {field.name for field in fields(DecodingSettings)} - {"num_captions"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"beam": 0}, "beam: must be greater than or equal to 1, not '0'"),
        (
            {"beam": 5, "top_p": 0.5},
            "beam: sampling (--top-p, --top-k, --temperature) excludes beam search; leave --beam out",
        ),
        ({"num_captions": 0}, "num_captions: must be greater than or equal to 1, not '0'"),
        ({"seed": -1}, "seed: must be greater than or equal to 0, not '-1'"),
    ],
)
def test_invalid_settings_give_the_error_of_the_command_line(captioner, pictures, settings: dict, message: str) -> None:
    with pytest.raises(clcap.InvalidValueError) as error:
        captioner.caption(pictures[0], **settings)
    assert str(error.value) == message


def test_bad_images_give_the_error_of_the_stage(captioner, shared_chain: Path, pictures, tmp_path: Path) -> None:
    good = Image.effect_noise((64, 64), 50).convert("RGB")
    good.save(tmp_path / "cut.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:900])
    for image in (tmp_path / "none.jpg", tmp_path / "cut.jpg"):
        with pytest.raises(clcap.ClcapError) as by_stage:
            clcap.caption(shared_chain / "nt.pt", images=[image], out=tmp_path / "c.json", device="cpu")
        with pytest.raises(clcap.ClcapError) as by_captioner:
            captioner.caption([pictures[0], image])
        assert str(by_captioner.value) == str(by_stage.value)
        assert str(image) in str(by_stage.value)
    with pytest.raises(clcap.ClcapError, match=r"is a folder; a file is expected here$"):
        captioner.caption(tmp_path)


def test_images_that_cannot_be_read_are_named(captioner, pictures: list[Path]) -> None:
    with Image.open(pictures[0]) as closed:
        pass
    with pytest.raises(clcap.ClcapError, match=r"\.png is not a readable image: "):
        captioner.caption(closed)
    with pytest.raises(clcap.ClcapError, match=r"<PIL\..* is not a readable image: it has no pixels"):
        captioner.caption(Image.new("RGB", (0, 5)))


def test_arguments_of_a_wrong_type_name_the_expected_type(captioner, pictures: list[Path]) -> None:
    array = np.zeros((8, 8, 3), dtype=np.uint8)
    message = r"^an image must be a path or a PIL image, not ndarray; PIL\.Image\.fromarray makes one of an array$"
    with pytest.raises(TypeError, match=message):
        captioner.caption([array])
    with pytest.raises(TypeError, match=r"^images must be a path, a PIL image, or several of these, not int$"):
        captioner.caption(3)
    with pytest.raises(TypeError, match="not bytes"):
        captioner.caption(b"a.jpg")
    with pytest.raises(TypeError, match=r"^a caption must be a str, not int$"):
        captioner.log_prob(pictures[0], [3])
    with pytest.raises(TypeError, match="unexpected keyword argument 'beams'"):
        captioner.caption(pictures[0], beams=3)


def test_bad_checkpoints_give_the_error_of_the_stage(shared_chain: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.pt").write_bytes(b"no checkpoint")
    for wrong in (
        {"checkpoints": "none.pt"},
        {"checkpoints": tmp_path / "bad.pt"},
        {"checkpoints": shared_chain / "nt.pt", "device": "cuba"},
        {"checkpoints": shared_chain / "nt.pt", "weights": tmp_path / "none.pth"},
    ):
        with pytest.raises(clcap.ClcapError) as by_stage:
            clcap.caption(**wrong, images=[shared_chain / "scenes" / "images"], out=tmp_path / "c.json")
        with pytest.raises(clcap.ClcapError) as by_load:
            clcap.load(**wrong)
        assert str(by_load.value) == str(by_stage.value)


@pytest.mark.parametrize(("given", "kind"), [([], "an empty list"), (3, "int"), (["a.pt", None], "NoneType")])
def test_checkpoints_must_be_paths(given: object, kind: str) -> None:
    with pytest.raises(TypeError, match=f"^checkpoints must be a path or several, not {kind}$"):
        clcap.load(given)
