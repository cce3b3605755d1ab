from pathlib import Path

import numpy as np
import pytest

from clcap_cli.datasets.scenes import Scene, SceneObject, describe, number_of_scenes, random_scenes
from clcap_cli.stages.make_scenes import make_scenes


def test_no_scene_is_drawn_twice() -> None:
    scenes = random_scenes(500, 8, 3, np.random.default_rng(0))
    assert len(set(scenes)) == 500


@pytest.mark.parametrize("colours", range(1, 9))
def test_scenes_have_as_many_colours_and_objects_as_asked_for(colours: int) -> None:
    scenes = random_scenes(200, colours, 1, np.random.default_rng(0))
    assert len({item.colour for scene in scenes for item in scene.objects}) == colours
    assert all(len(scene.objects) == 1 for scene in scenes)


def test_all_scenes_of_a_small_world_can_be_drawn() -> None:
    assert number_of_scenes(1, 1) == 240
    assert len(set(random_scenes(240, 1, 1, np.random.default_rng(0)))) == 240


def test_more_images_than_differ_are_refused(tmp_path: Path, usage_error_of) -> None:
    small = ["--colours", "1", "--objects", "1", "--train", "1000", "--val", "10", "--test", "10"]
    assert "1,020 images are asked for, but there are 240" in usage_error_of("make-scenes", tmp_path / "new", *small)
    assert not (tmp_path / "new").exists()


def test_captions_describe_the_scene_correctly() -> None:
    rng = np.random.default_rng(0)
    for scene in random_scenes(200, 8, 3, rng):
        true = {word for item in scene.objects for word in (item.shape, item.colour, item.size, *item.position.split())}
        named = {"red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "circle", "square", "triangle"}
        named |= {"star", "ring", "cross", "small", "large", "top", "bottom", "left", "right", "middle"}
        for caption in describe(scene, rng):
            assert set(caption.split()) & named <= true


def test_captions_count_what_they_name() -> None:
    red, orange = ("red", "small", "middle"), ("orange", "large", "top left")
    objects = tuple(SceneObject("cross", *rest) for rest in (red, orange, ("red", "large", "top right")))
    rng = np.random.default_rng(0)
    named = {caption for _ in range(50) for caption in describe(Scene("white", objects), rng)}
    assert {"two crosses", "two red crosses and an orange cross", "a red cross in the middle"} <= named
    assert "an orange cross at the top left" in named
    assert not {"a cross and a cross", "a red cross and a red cross"} & named


def test_same_seed_same_files(tmp_path: Path) -> None:
    one, two = (make_scenes(tmp_path / name, train=3, val=2, test=2, seed=5) for name in ("one", "two"))
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert len(files) == 10
    for file in files:
        assert (one / file).read_bytes() == (two / file).read_bytes()


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_pycocotools_reads_the_captions(tmp_path: Path, split: str) -> None:
    from pycocotools.coco import COCO

    make_scenes(tmp_path, train=3, val=2, test=2)
    coco = COCO(tmp_path / f"captions_{split}.json")
    assert all(len(coco.imgToAnns[id]) == 5 for id in coco.getImgIds())
