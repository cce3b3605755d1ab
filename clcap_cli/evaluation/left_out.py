"""Human captions as a system: one reference of each image left out, the others are its references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.datasets.records import ImageId
from clcap_cli.digests import digest_of_json
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import is_file

if TYPE_CHECKING:
    from clcap_cli.artifacts.results import CaptionResults


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


def remaining_references(results: "CaptionResults") -> Path | None:
    """The references that leave-one-out wrote beside its captions; None for captions of models.

    Raises ClcapError if they are missing or have changed since.
    """
    from clcap_cli.artifacts.references import belongs_to, references_path

    if results.provenance is None or not is_left_out(results):
        return None
    path = references_path(results.path)
    if not is_file(path):
        raise ClcapError(
            f"{results.path} has references that leave-one-out set apart, but the remaining ones are not in {path}; "
            "give them with --references"
        )
    if not belongs_to(path, results.provenance):
        raise ClcapError(
            f"{path} has changed since leave-one-out wrote it beside {results.path}; to use it anyway, give it with "
            "--references"
        )
    return path


def references_beside(results: "CaptionResults") -> Path | None:
    """Where leave-one-out wrote the remaining references; None for captions of models."""
    from clcap_cli.artifacts.references import references_path

    return references_path(results.path) if is_left_out(results) else None


def is_left_out(results: "CaptionResults") -> bool:
    """Whether the captions are references that leave-one-out set apart."""
    return results.provenance is not None and results.provenance.stage == "leave-one-out"
