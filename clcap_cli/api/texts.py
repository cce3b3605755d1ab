"""Texts of images as they are given from Python, by image id or in a list."""

from collections import Counter
from collections.abc import Iterable, Mapping
from numbers import Integral
from pathlib import Path

from clcap_cli.datasets.captions_by_image import group_by_image
from clcap_cli.datasets.ids import canonical_id
from clcap_cli.datasets.records import CaptionRecord, ImageId
from clcap_cli.errors import ClcapError

Texts = str | Iterable[str]
"""One text of an image, or several."""
TextsOfImages = Mapping[int, Texts] | Mapping[str, Texts] | Mapping[ImageId, Texts] | Iterable[Texts]
"""By image id, or in the order of the images, whose ids are then 0, 1, 2 and so on."""


def texts_of_images(given: TextsOfImages, name: str) -> dict[ImageId, list[str]]:
    """The texts of each image; ``name`` is what messages call them.

    Raises ClcapError where there are none, where one is no valid text or where two ids are the same, and TypeError for
    anything but texts.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        kind = type(given).__name__
        raise TypeError(f"{name} must be a list with an entry for each image, or a dict by image id, not {kind}")
    entries = given.items() if isinstance(given, Mapping) else enumerate(given)
    records = [CaptionRecord(_id(id, name), _texts(own, id, name)) for id, own in entries]
    repeated = [id for id, count in Counter(record.id for record in records).items() if count > 1]
    if repeated:
        raise ClcapError(f"{name} has image {repeated[0]} twice, as a number and as text; give it once")
    return group_by_image(records, Path(name))


def captions_of(given: Texts) -> list[str]:
    """Captions as a list; raises TypeError for anything else than str."""
    captions = [given] if isinstance(given, str) else list(given)
    for caption in captions:
        if not isinstance(caption, str):
            raise TypeError(f"a caption must be a str, not {type(caption).__name__}")
    return captions


def _id(id: object, name: str) -> ImageId:
    if isinstance(id, Integral) and not isinstance(id, bool):
        return canonical_id(int(id))
    if isinstance(id, str):
        return canonical_id(id)
    raise TypeError(f"{name}: an image id must be an int or a str, not {type(id).__name__}")


def _texts(own: object, id: object, name: str) -> list[str]:
    texts: list = [own] if isinstance(own, str) or not isinstance(own, Iterable) else list(own)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{name} of image {id} must be a str or a list of str, not {type(text).__name__}")
    return texts
