"""make-scenes: writes a generated dataset of scenes, as image files and COCO captions files."""

from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le

from clcap_cli.console import print_info
from clcap_cli.errors import InvalidValueError
from clcap_cli.options import Argument, Option, Panel
from clcap_cli.stages.options import Seed
from clcap_cli.stages.stage import stage

MAX_IMAGES = 100_000
"""Maximum number of images of a split."""

MEBIBYTES_PER_IMAGE = 0.004
"""Space of an image, whose file is smaller than a block of the disk."""


@stage
def make_scenes(
    folder: Annotated[Path, Argument("Output folder.", Panel.OUTPUT)],
    train: Annotated[int, Ge(1), Le(MAX_IMAGES), Option("Number of training images.")] = 1000,
    val: Annotated[int, Ge(1), Le(MAX_IMAGES), Option("Number of validation images.")] = 150,
    test: Annotated[int, Ge(1), Le(MAX_IMAGES), Option("Number of test images.")] = 200,
    colours: Annotated[int, Ge(1), Le(8), Option("Number of colours that objects have.")] = 8,
    objects: Annotated[int, Ge(1), Le(3), Option("Maximum number of objects in an image.")] = 3,
    seed: Seed = 0,
) -> Path:
    """Generate images of coloured shapes with captions.

    Each image has five captions. The dataset has the layout of COCO: images/, captions_train.json, captions_val.json
    and captions_test.json. No image occurs twice. The same seed gives the same files, another seed other file names.
    With fewer colours and objects, a small captioner soon describes images correctly.

    Example: clcap make-scenes scenes --train 1000 --test 200
    """
    import numpy as np

    from clcap_cli.artifacts.atomic import (
        all_or_nothing,
        atomic_write,
        check_free_space,
        check_writable,
        check_writable_folder,
    )
    from clcap_cli.artifacts.json_files import write_json
    from clcap_cli.datasets.scenes import SIDE, describe, number_of_scenes, random_scenes, render

    total, different = train + val + test, number_of_scenes(colours, objects)
    if total > different:
        raise InvalidValueError(
            "objects",
            f"{total:,} images are asked for, but there are {different:,}; allow more objects or colours",
        )
    images = folder / "images"
    check_writable_folder(images, (".png",))
    for split in ("train", "val", "test"):
        check_writable(folder / f"captions_{split}.json")
    check_free_space(images, total * MEBIBYTES_PER_IMAGE)
    rng = np.random.default_rng(seed)
    scenes = iter(enumerate(random_scenes(total, colours, objects, rng), start=1))
    with all_or_nothing():
        for split, count in (("train", train), ("val", val), ("test", test)):
            entries, annotations = [], []
            for id, scene in (next(scenes) for _ in range(count)):
                name = f"{seed}_{id:06d}.png"
                with atomic_write(images / name) as part:
                    render(scene, rng).save(part, "PNG")
                entries.append({"id": id, "file_name": name, "width": SIDE, "height": SIDE})
                texts = describe(scene, rng)
                annotations += [{"id": 5 * id + n, "image_id": id, "caption": text} for n, text in enumerate(texts)]
            info = {"description": f"clcap scenes, seed {seed}"}
            write_json(folder / f"captions_{split}.json", {"info": info, "images": entries, "annotations": annotations})
    print_info(f"{train:,} training, {val:,} validation and {test:,} test scenes with five captions each")
    return folder
