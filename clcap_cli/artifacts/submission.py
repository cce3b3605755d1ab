"""Submission to COCO's captioning server: one results file for val2014 and one for test2014, named as it requires."""

import re
from pathlib import Path

from clcap_cli.artifacts.atomic import all_or_nothing, check_writable
from clcap_cli.artifacts.json_files import write_json
from clcap_cli.artifacts.results import CaptionResults, as_coco_results
from clcap_cli.errors import ClcapError, first_few

IMAGE_COUNTS = {"val2014": 40504, "test2014": 40775}
"""Number of images of each set; the server requires a caption for each of them."""
NAME_PATTERN = re.compile(r"[A-Za-z0-9-]+")


def write_submission(folder: Path, algorithm: str, results: dict[str, CaptionResults]) -> list[Path]:
    """Write ``captions_SET_ALGORITHM_results.json`` into ``folder`` for each set; return their paths.

    ``results`` are the captions by name of the set. Raises ClcapError and writes nothing if the server would reject
    them or the name ``algorithm``.
    """
    _check(algorithm, results)
    paths = [check_writable(folder / f"captions_{set_name}_{algorithm}_results.json") for set_name in results]
    with all_or_nothing():
        for path, opened in zip(paths, results.values(), strict=True):
            write_json(path, as_coco_results(opened.captions))
    return paths


def _check(algorithm: str, results: dict[str, CaptionResults]) -> None:
    if not NAME_PATTERN.fullmatch(algorithm):
        raise ClcapError(f"'{algorithm}' is not a valid name of a submission: use letters, digits and hyphens")
    for set_name, opened in results.items():
        captions = opened.single_captions()
        wrong = [id for id in captions if not isinstance(id, int)]
        if wrong:
            raise ClcapError(f"{opened.path}: COCO's image ids are numbers, but these are not: {first_few(wrong)}")
        if len(captions) != IMAGE_COUNTS[set_name]:
            raise ClcapError(
                f"{opened.path} has captions for {len(captions)} images; {set_name} has {IMAGE_COUNTS[set_name]}, and "
                "the server requires all of them"
            )
        empty = [id for id, text in captions.items() if not text.strip()]
        if empty:
            raise ClcapError(f"{opened.path} has {len(empty)} empty captions: {first_few(empty)}")
    shared = set.intersection(*(set(opened.captions) for opened in results.values()))
    if len(results) > 1 and shared:
        raise ClcapError(
            f"val2014 and test2014 have no images in common, but these are in both files: {first_few(sorted(shared))}"
        )
