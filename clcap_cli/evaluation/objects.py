"""The objects of the evaluated images, from COCO's instance annotations."""

from collections.abc import Sequence
from pathlib import Path

from clcap_cli.artifacts.provenance import Origin
from clcap_cli.console import print_info, print_warning
from clcap_cli.datasets.coco_instances import read_image_objects
from clcap_cli.datasets.image_matching import describe_ways, match_images
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.evaluation.image_names import file_names
from clcap_cli.evaluation.inputs import EvaluationInputs
from clcap_cli.metrics.object_names import object_list, objects_in


def annotated_objects(
    path: Path, ids: Sequence[ImageId], inputs: EvaluationInputs, origin: Origin
) -> tuple[str, list[frozenset[str]]]:
    """Name (in signatures) of the annotations, and the objects of the images ``ids`` of the references.

    Images that the file lacks have no annotated objects; a warning says how many. Raises ClcapError if it has none of
    the images, or no category of COCO's 80 objects.
    """
    read = read_image_objects(path)
    origin.add_input_file("objects", path)
    known = _known_categories(frozenset().union(*read.categories.values()), path)
    matching = match_images(file_names(ids, inputs), read.file_names, ("the references", str(path)))
    _check_missing([id for id in ids if id not in matching.pairs], ids, path)
    if matching.counts().keys() != {"id"}:
        print_info(f"matched {describe_ways(matching.counts())} with {path}")
    objects = [read.categories[matching.pairs[id]] if id in matching.pairs else frozenset() for id in ids]
    name = f"{path.name.replace('|', '_')}#{origin.inputs[-1][2][:8]}"
    return name, [frozenset(known[category] for category in of_image if category in known) for of_image in objects]


def _check_missing(missing: Sequence[ImageId], ids: Sequence[ImageId], path: Path) -> None:
    if len(missing) == len(ids):
        raise ClcapError(
            f"{path} has none of the {len(ids)} images, such as {first_few(ids)}; give the instance annotations of "
            "their split"
        )
    if missing:
        print_warning(
            f"{path} lacks {len(missing)} of {len(ids)} images: {first_few(missing)}; for CHAIR, they have only the "
            "objects that their references name"
        )


def _known_categories(categories: frozenset[str], path: Path) -> dict[str, str]:
    """The object of COCO that each category means; a message counts the categories that mean none."""
    known = {name: found for name in categories if (found := _object_named(name))}
    if not known:
        raise ClcapError(
            f"{path} has none of COCO's 80 objects; its categories are {first_few(sorted(categories)) or 'not named'}"
        )
    if others := sorted(categories - known.keys()):
        print_info(
            f"{path}: left out {len(others)} of {len(categories)} categories, which are none of COCO's 80 objects: "
            f"{first_few(others)}"
        )
    return known


def _object_named(category: str) -> str | None:
    if category in object_list():
        return category
    meanings = objects_in(category)
    return meanings[0][0] if len(meanings) == 1 and len(meanings[0]) == 1 else None
