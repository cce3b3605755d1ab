"""File names, references and folders of the images of runs, found through provenance.

A metrics file records the captions.h5 and features.h5 that it was made from, and features.h5 records the folders of the
images. Captions and features that have moved since are ignored without an error; folders of images are looked for.
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
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.evaluation.runs import Run
from clcap_cli.features.image_files import ImageFile
from clcap_cli.features.image_finder import find_images, open_stores
from clcap_cli.features.recorded_folders import RecordedFolder, recorded_folders


@dataclass
class ImageSources:
    """File names, references and folders of the images of all runs, where known."""

    names: dict[ImageId, str] = field(default_factory=dict)
    """File names in captions.h5."""
    references: dict[ImageId, list[str]] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)
    """Folders and tar archives in which extract-features found the images, where they are now."""
    lost: list[RecordedFolder] = field(default_factory=list)
    """Folders and archives in which it found them, but that are not found any more."""


@dataclass(frozen=True)
class _Link:
    """A file of which only the provenance is needed."""

    path: Path
    provenance: Provenance


def trace_image_sources(runs: Sequence[Run]) -> ImageSources:
    """Find the file names, references and folders of the images of all runs.

    Raises ClcapError if an id stands for different images in two runs.
    """
    found = ImageSources()
    opened: dict[Path, Captions] = {}
    for run in runs:
        for path in _inputs(run, "captions", "references"):
            if path not in opened:
                opened[path] = open_captions(path)
            _add_captions(found, run, opened[path])
        for path in _inputs(run, "features"):
            _add_folders(found, recorded_folders(path, _folders_of(run)))
        for id, image in run.images.items():
            if image.references:
                found.references.setdefault(id, image.references)
    return found


def _folders_of(run: Run) -> list[Path]:
    """The folders of the run's files."""
    return list(dict.fromkeys(source.path.resolve().parent for source in run.sources))


def _add_folders(found: ImageSources, recorded: Sequence[RecordedFolder]) -> None:
    for folder in recorded:
        place = folder.find()
        if place is None:
            found.lost += [folder] if folder not in found.lost else []
        elif place not in found.folders:
            found.folders.append(place)


def _inputs(run: Run, *roles: str) -> list[Path]:
    """The files with any of the ``roles`` that the run's metrics were made from, unless they have changed."""
    paths = [_input(source, role) for source in run.sources for role in roles]
    return list(dict.fromkeys(path for path in paths if path))


def _input(artifact: Artifact, role: str) -> Path | None:
    """The input with this role of the metrics, or of the captions that were scored; None if it is not found."""
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
                "the runs use different data; make a separate report for each"
            )
    found.references |= captions.references(rows)


def find_image_files(
    ids: Sequence[ImageId], names: dict[ImageId, str], folders: list[Path]
) -> dict[ImageId, ImageFile]:
    """The files of the images in ``folders``, found by file name or, if that is unknown, by id.

    Raises ClcapError if a name occurs in two folders.
    """
    return find_images(open_stores(folders), {id: names.get(id, str(id)) for id in ids}).files


def where_missing(image_sources: ImageSources, given: Sequence[Path]) -> str:
    """Where images that are missing were looked for, as the end of "… are not", and what to do about it."""
    if given:
        return f"in {first_few(given)}"
    if image_sources.folders:
        return f"in {first_few(image_sources.folders)}; give their folder with --images"
    if image_sources.lost:
        lost = image_sources.lost[0]
        return f"found: their folder {lost.given} is in none of {first_few(lost.searched)}; give it with --images"
    return "found, because no features.h5 records their folder; give it with --images"
