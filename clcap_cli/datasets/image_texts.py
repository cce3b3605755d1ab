"""What is said about images, by image id, in any of the files in which people keep it."""

from pathlib import Path

from typing_extensions import TypedDict

from clcap_cli.datasets.cells import captions_in
from clcap_cli.datasets.coco import Captions, coco_records
from clcap_cli.datasets.ids import GivenId, in_two_kinds
from clcap_cli.datasets.reading import checked, read_json
from clcap_cli.datasets.records import ImageId
from clcap_cli.datasets.table import CAPTIONS, IDS, SUFFIXES, read_table
from clcap_cli.datasets.text import flaw_of
from clcap_cli.errors import ClcapError, some


class Said(TypedDict):
    """An entry of COCO's results list."""

    image_id: GivenId
    caption: Captions


def image_texts(path: Path) -> dict[ImageId, list[str]]:
    """All texts of each image.

    A table (.csv, .jsonl, .parquet) has a column image_id, id or image, and a column caption or captions with a text
    or a list of texts. JSON is a COCO captions file or a COCO results list.

    Raises ClcapError when the file is missing, of another kind, or holds no texts.
    """
    return by_image(_in_table(path) if path.suffix.lower() in SUFFIXES else _in_json(path), path)


def coco_results(data: object, path: Path) -> list[Said]:
    """Parsed JSON as a COCO results list.

    Raises ClcapError when it is none.
    """
    return checked(data, list[Said], path, "a COCO results list")


def pairs_of(results: list[Said]) -> list[tuple[ImageId, str]]:
    """Image and text of each entry; an entry may have several texts."""
    return [(item["image_id"], text) for item in results for text in item["caption"]]


def by_image(pairs: list[tuple[ImageId, str]], path: Path) -> dict[ImageId, list[str]]:
    """The texts of each image in ``path``.

    Raises ClcapError when there are none, for one that is no valid text, and for an id that is a number and a text.
    """
    texts: dict[ImageId, list[str]] = {}
    for id, text in pairs:
        for what, written in ((f"the caption of image {id}", text), (f"the id {id}", str(id))):
            if flaw := flaw_of(written):
                raise ClcapError(f"{path}: {what} {flaw}")
        texts.setdefault(id, []).append(text)
    if not texts:
        raise ClcapError(f"{path} holds no captions")
    twice = in_two_kinds(texts)
    if twice is not None:
        raise ClcapError(f'{path} has an image {twice} and an image "{twice}"; write all ids as numbers or all as text')
    return texts


def one_each(texts: dict[ImageId, list[str]], path: Path) -> dict[ImageId, str]:
    """The one text of each image in ``path``.

    Raises ClcapError when an image has more.
    """
    twice = [id for id, group in texts.items() if len(group) > 1]
    if twice:
        raise ClcapError(f"{path} has more than one caption for {len(twice)} images: {some(twice)}")
    return {id: text for id, (text,) in texts.items()}


def _in_table(path: Path) -> list[tuple[ImageId, str]]:
    table = read_table(path)
    ids, texts = table.ids(table.needs(*IDS)), table.read(table.needs(*CAPTIONS), captions_in)
    return [(id, text) for id, captions in zip(ids, texts, strict=True) for text in captions]


def _in_json(path: Path) -> list[tuple[ImageId, str]]:
    data = read_json(path)
    if isinstance(data, list):
        return pairs_of(coco_results(data, path))
    return [(image.id, text) for image in coco_records(data, path, "references") for text in image.captions]
