"""Human captions as a system: one reference of each image left out, the others are its references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from clcap_cli.datasets.records import ImageId
from clcap_cli.digests import digest_of_json


@dataclass
class LeftOut:
    """References of images, divided into captions and references."""

    captions: dict[ImageId, list[str]] = field(default_factory=dict)
    """The reference that is left out of each image, as its only caption."""
    references: dict[ImageId, list[str]] = field(default_factory=dict)
    """The other references of each image."""
    single: list[ImageId] = field(default_factory=list)
    """Images with a single reference, which are in neither."""


def leave_one_out_of(references: Mapping[ImageId, Sequence[str]], seed: int) -> LeftOut:
    """Leave a random reference out of each image; the choice depends on the seed and the image's id alone."""
    found = LeftOut()
    for id, texts in references.items():
        if len(texts) < 2:
            found.single.append(id)
            continue
        place = int(digest_of_json([seed, str(id)]), 16) % len(texts)
        found.captions[id] = [texts[place]]
        found.references[id] = [*texts[:place], *texts[place + 1 :]]
    return found
