"""What COCO's captioning server takes: one results file for val2014 and one for test2014, named by its rule."""

import re
from pathlib import Path

from clcap_cli.artifacts.atomic import all_or_nothing, check_writable
from clcap_cli.artifacts.json_files import write_json
from clcap_cli.artifacts.results import CaptionResults, as_coco_results
from clcap_cli.errors import ClcapError, first_few

IMAGE_COUNTS = {"val2014": 40504, "test2014": 40775}
"""Images of each set; the server wants a caption of every one."""
NAME_PATTERN = re.compile(r"[A-Za-z0-9-]+")


def write_submission(folder: Path, algorithm: str, results: dict[str, CaptionResults]) -> list[Path]:
    """Write ``captions_SET_ALGORITHM_results.json`` into ``folder`` for each set; returns their paths.

    Raises ClcapError, and writes nothing, where the server would not take ``results``, by set, or the name.
    """
    _check(algorithm, results)
    paths = [check_writable(folder / f"captions_{which}_{algorithm}_results.json") for which in results]
    with all_or_nothing():
        for path, found in zip(paths, results.values(), strict=True):
            write_json(path, as_coco_results(found.captions))
    return paths


def _check(algorithm: str, results: dict[str, CaptionResults]) -> None:
    if not NAME_PATTERN.fullmatch(algorithm):
        raise ClcapError(f"'{algorithm}' cannot name a submission: letters, digits and hyphens only")
    for which, found in results.items():
        captions = found.single_captions()
        wrong = [id for id in captions if not isinstance(id, int)]
        if wrong:
            raise ClcapError(f"{found.path}: COCO's ids are numbers, these are not: {first_few(wrong)}")
        if len(captions) != IMAGE_COUNTS[which]:
            raise ClcapError(
                f"{found.path} has captions of {len(captions)} images; {which} has {IMAGE_COUNTS[which]}, and the "
                "server wants all of them"
            )
        empty = [id for id, text in captions.items() if not text.strip()]
        if empty:
            raise ClcapError(f"{found.path} has {len(empty)} empty captions: {first_few(empty)}")
    shared = set.intersection(*(set(found.captions) for found in results.values()))
    if len(results) > 1 and shared:
        raise ClcapError(
            f"val2014 and test2014 have no image in common, but these files have: {first_few(sorted(shared))}"
        )
