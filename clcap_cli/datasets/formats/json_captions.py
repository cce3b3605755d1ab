"""JSON objects that map each image, by id or file name, to its captions."""

from itertools import islice
from typing import Any

from clcap_cli.datasets.cells import SPLIT_NAMES, parse_captions
from clcap_cli.datasets.columns import FILE_NAMES, IDS, known_content, normal_name
from clcap_cli.datasets.file_names import is_image_name
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import Row, Table

NOT_IMAGES = {"provenance", "metrics", "images", "annotations", "info"}
"""Keys of files that are no such mapping."""

EXAMINED = 20
"""Number of entries by which the format is recognised."""


def _recognises(source: Source) -> bool:
    """Whether the first entries look like images and their captions, unlike a file of settings or a vocabulary."""
    content = source.value
    if not isinstance(content, dict) or not content or NOT_IMAGES & {*content}:
        return False
    return all(_are_images(dict(islice(own.items(), EXAMINED))) for own in _parts(content).values())


def _read(source: Source) -> Table:
    """A row for each image."""
    rows = [
        Row(f"'{name}'", _cells(name, value, own) | ({"split": split} if split else {}), image_only=value == [])
        for split, own in _parts(source.value).items()
        for name, value in own.items()
    ]
    return Table.of(source.path, rows)


def _parts(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The mapping from images to captions of each split, or of all of them under the empty name."""
    if all(name.casefold() in SPLIT_NAMES and isinstance(value, dict) for name, value in content.items()):
        return content
    return {"": content}


def _are_images(entries: dict[str, Any]) -> bool:
    """Whether all values are captions, some of several words, and the keys or the lists look like those of images."""
    try:
        captions = [text for value in entries.values() if value != [] for text in parse_captions(_captions(value))]
    except ValueError:
        return False
    is_image = [isinstance(value, list | dict) or _is_image_key(name) for name, value in entries.items()]
    if known_content(entries) and not any(map(_is_image_key, entries)):
        return False  # the keys are names of columns
    return bool(entries) and all(is_image) and (not captions or any(map(_is_sentence, captions)))


def _is_image_key(name: str) -> bool:
    return is_image_name(name) or any(map(str.isdigit, name))


def _is_sentence(text: str) -> bool:
    """Whether a text has several words; scripts without spaces count as such."""
    return " " in text.strip() or not text.isascii()


def _captions(value: object) -> object:
    return value["captions"] if isinstance(value, dict) and "captions" in value else value


def _cells(name: str, value: object, entries: dict[str, Any]) -> dict[str, object]:
    """The cells of an entry; its key is the image's id unless it only numbers a record that names the image."""
    if not isinstance(value, dict) or not ("captions" in value or "image" in known_content(value)):
        return {"image_id": name, "captions": value}
    own = set(map(normal_name, value))
    if own & {*IDS} or (own & {*FILE_NAMES} and name.isdigit() and int(name) < len(entries)):
        return value
    return {"image_id": name, **value}


READER = Reader("JSON by image", _recognises, _read)
