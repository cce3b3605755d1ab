"""Submission to COCO's captioning server: one results file for val2014 and one for test2014, named as it requires."""

import re
from pathlib import Path

from clcap_cli.artifacts.atomic import all_or_nothing, check_writable
from clcap_cli.artifacts.json_files import write_json
from clcap_cli.artifacts.results import CaptionResults, as_coco_results
from clcap_cli.datasets.file_names import coco_number
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError, first_few

IMAGE_COUNTS = {"val2014": 40504, "test2014": 40775}
"""Number of images of each set; the server requires a caption for each of them."""
NAME_PATTERN = re.compile(r"[A-Za-z0-9-]+")


def write_submission(folder: Path, algorithm: str, results: dict[str, CaptionResults]) -> list[Path]:
    """Write ``captions_SET_ALGORITHM_results.json`` into ``folder`` for each set; return their paths.

    ``results`` are the captions by name of the set; images may be named by COCO's file names. Raises ClcapError and
    writes nothing if the server would reject them or the name ``algorithm``.
    """
    if not NAME_PATTERN.fullmatch(algorithm):
        raise ClcapError(f"'{algorithm}' is not a valid name of a submission: use letters, digits and hyphens")
    captions = {name: _captions_by_number(opened) for name, opened in results.items()}
    for name, opened in results.items():
        _check(name, opened.path, captions[name])
    _check_different(captions)
    paths = [check_writable(folder / f"captions_{name}_{algorithm}_results.json") for name in results]
    with all_or_nothing():
        for path, texts in zip(paths, captions.values(), strict=True):
            write_json(path, as_coco_results({id: [text] for id, text in texts.items()}))
    return paths


def _captions_by_number(opened: CaptionResults) -> dict[int, str]:
    """The caption of each image by COCO's image id, which is a number or in the file name of the image."""
    captions = opened.single_captions()
    numbers = {id: _number(id, opened.file_names.get(id)) for id in captions}
    wrong = [id for id, number in numbers.items() if number is None]
    if wrong:
        raise ClcapError(
            f"{opened.path}: COCO's image ids are numbers or in file names such as COCO_test2014_000000000001.jpg, but "
            f"these are not: {first_few(wrong)}"
        )
    by_number: dict[int, ImageId] = {}
    for id, number in numbers.items():
        if number is not None and by_number.setdefault(number, id) != id:
            raise ClcapError(f"{opened.path}: {by_number[number]} and {id} are both image {number}; remove one of them")
    return {number: captions[id] for number, id in by_number.items()}


def _number(id: ImageId, file_name: str | None) -> int | None:
    if isinstance(id, int):
        return id
    number = coco_number(id)
    return coco_number(file_name) if number is None and file_name else number


def _check(set_name: str, path: Path, captions: dict[int, str]) -> None:
    if len(captions) != IMAGE_COUNTS[set_name]:
        raise ClcapError(
            f"{path} has captions for {len(captions)} images; {set_name} has {IMAGE_COUNTS[set_name]}, and the server "
            "requires all of them"
        )
    empty = [id for id, text in captions.items() if not text.strip()]
    if empty:
        raise ClcapError(f"{path} has {len(empty)} empty captions: {first_few(empty)}")


def _check_different(captions: dict[str, dict[int, str]]) -> None:
    shared = set.intersection(*map(set, captions.values()))
    if len(captions) > 1 and shared:
        raise ClcapError(
            f"val2014 and test2014 have no images in common, but these are in both files: {first_few(sorted(shared))}"
        )
