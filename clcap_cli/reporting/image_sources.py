"""What the images are: their file names, what people wrote of them, and where the pictures lie.

A file of metrics says from which captions.h5 and features.h5 it was made, and features.h5 in which folders the images
were. All of that may have moved since; then it is not known, and nothing is wrong.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from clcap_cli.artifacts.captions import Captions, open_captions
from clcap_cli.artifacts.lineage import find_input, read_provenance
from clcap_cli.artifacts.provenance import Artifact, Provenance
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError
from clcap_cli.features.images import find_image, leaves_folder
from clcap_cli.input_files import is_file
from clcap_cli.reporting.runs import Run


@dataclass
class ImageSources:
    """What is known of the images of all runs."""

    names: dict[ImageId, str] = field(default_factory=dict)
    """File names, as captions.h5 has them."""
    references: dict[ImageId, list[str]] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)
    """In which extract-features found the images."""


@dataclass(frozen=True)
class _Link:
    """A file of the chain of which only the record is needed."""

    path: Path
    provenance: Provenance


def trace(runs: Sequence[Run]) -> ImageSources:
    """Follow every run's files to the images that it is of.

    Raises ClcapError when an id is one image in one run and another in another.
    """
    found = ImageSources()
    opened: dict[Path, Captions] = {}
    for run in runs:
        for path in _inputs(run, "captions", "references"):
            if path not in opened:
                opened[path] = open_captions(path)
            _add_captions(found, run, opened[path])
        for path in _inputs(run, "features"):
            found.folders += [folder for folder in _image_folders(path) if folder not in found.folders]
        for id, image in run.images.items():
            if image.references:
                found.references.setdefault(id, image.references)
    return found


def _inputs(run: Run, *roles: str) -> list[Path]:
    """The files that played ``roles`` when the run's metrics were made, as far as they are still the same."""
    paths = [_input(source, role) for source in run.sources for role in roles]
    return list(dict.fromkeys(path for path in paths if path))


def _input(artifact: Artifact, role: str) -> Path | None:
    """The file that played ``role``, directly or when the captions were made that were measured."""
    with suppress(ClcapError):
        path = find_input(artifact, role, None, "--images")
        return path if path.suffix == ".h5" else None
    with suppress(ClcapError):
        results = find_input(artifact, "results", None, "--images")
        path = find_input(_Link(results, read_provenance(results)), role, None, "--images")
        return path if path.suffix == ".h5" else None
    return None


def _add_captions(found: ImageSources, run: Run, captions: Captions) -> None:
    names = dict(zip(captions.image_ids, captions.file_names, strict=True))
    rows = np.array([row for row, id in enumerate(captions.image_ids) if id in run.images], dtype=np.int64)
    for id in captions.ids_of(rows):
        if found.names.setdefault(id, names[id]) != names[id]:
            raise ClcapError(
                f"image {id} is {names[id]} for {run.name} and {found.names[id]} for another run: "
                "they are of different data; make a report of each"
            )
    found.references |= captions.references(rows)


def _image_folders(features: Path) -> list[Path]:
    """The folders that extract-features was given, seen from where it ran."""
    settings = read_provenance(features).settings
    typed = settings.get("images")
    out = Path(str(settings.get("out")))
    place = features.resolve()
    same_place = not out.is_absolute() and place.parts[-len(out.parts) :] == out.parts
    ran_in = place.parents[len(out.parts) - 1] if same_place else place.parent
    folders = [ran_in / str(folder) for folder in (typed if isinstance(typed, list) else [])]
    return [folder for folder in folders if folder.is_dir()]


def find_pictures(ids: Sequence[ImageId], names: dict[ImageId, str], folders: list[Path]) -> dict[ImageId, Path]:
    """The files of the images that are in one of ``folders``, by file name or, where none is known, by id.

    A name that leads out of its folder is no file. Raises ClcapError for a name that stands in two folders.
    """
    found = {}
    for id in ids:
        name = names.get(id, str(id))
        if folders and not leaves_folder(name):
            path = find_image(folders, name)
            if is_file(path):
                found[id] = path
    return found
