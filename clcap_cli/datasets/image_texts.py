"""What is said about images, by image id, in any of the files in which people keep it."""

from pathlib import Path

from typing_extensions import TypedDict

from clcap_cli.datasets.coco import coco_records
from clcap_cli.datasets.reading import checked, read_json
from clcap_cli.datasets.records import ImageId
from clcap_cli.datasets.table import SUFFIXES, read_table
from clcap_cli.errors import ClcapError, some

IDS = ("image_id", "id", "image")
"""The column that says which image: the first of these that a table has."""


class Said(TypedDict):
    """An entry of COCO's results list."""

    image_id: ImageId
    caption: str


def image_texts(path: Path) -> dict[ImageId, list[str]]:
    """All texts of each image.

    A table (.csv, .jsonl, .parquet) has a column image_id, id or image, and a column caption, one row a text; or a
    column captions with a list of them. JSON is a COCO captions file or a COCO results list.

    Raises ClcapError when the file is missing, of another kind, or holds no texts.
    """
    return by_image(_in_table(path) if path.suffix.lower() in SUFFIXES else _in_json(path), path)


def coco_results(data: object, path: Path) -> list[Said]:
    """Parsed JSON as a COCO results list.

    Raises ClcapError when it is none.
    """
    return checked(data, list[Said], path, "a COCO results list")


def pairs_of(results: list[Said]) -> list[tuple[ImageId, str]]:
    """Image and text of each entry."""
    return [(item["image_id"], item["caption"]) for item in results]


def by_image(pairs: list[tuple[ImageId, str]], path: Path) -> dict[ImageId, list[str]]:
    """The texts of each image in ``path``.

    Raises ClcapError when there are none.
    """
    texts: dict[ImageId, list[str]] = {}
    for id, text in pairs:
        if any("\ud800" <= mark <= "\udfff" for mark in text):
            raise ClcapError(f"{path}: the caption of image {id} holds half a character (a lone surrogate)")
        texts.setdefault(id, []).append(text)
    if not texts:
        raise ClcapError(f"{path} holds no captions")
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
    has = ", ".join(map(str, table.columns))
    id = next((name for name in IDS if name in table.columns), None)
    if id is None:
        raise ClcapError(f"{path} has no column image_id, id or image; it has: {has}")
    text = next((name for name in ("caption", "captions") if name in table.columns), None)
    if text is None:
        raise ClcapError(f"{path} has no column caption or captions; it has: {has}")
    table = table.explode(text)
    empty = table[id].isna() | (table[id].astype(str).str.strip() == "") | table[text].isna()
    if empty.any():
        raise ClcapError(f"{path}: row {int(empty.to_numpy().argmax()) + 1} lacks its {id} or its {text}")
    return [(_id(one), text) for one, text in zip(table[id].astype(str), table[text].astype(str), strict=True)]


def _id(text: str) -> ImageId:
    return int(text) if text.isdecimal() and str(int(text)) == text else text


def _in_json(path: Path) -> list[tuple[ImageId, str]]:
    data = read_json(path)
    if isinstance(data, list):
        return pairs_of(coco_results(data, path))
    return [(image.id, text) for image in coco_records(data, path, "references") for text in image.captions]
