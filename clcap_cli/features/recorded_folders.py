"""The folders and archives that extract-features read the images from, as features.h5 records them.

They are found again where a project was moved or copied as a whole, and where they were moved beside its files.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.errors import ClcapError
from clcap_cli.features.image_stores import is_archive
from clcap_cli.file_kinds.tar import archives_of
from clcap_cli.input_files import is_file, is_folder, is_of_system

LEVELS = 3
"""Number of folders, from that of features.h5 upwards, in which a folder that has moved is looked for."""


@dataclass(frozen=True)
class RecordedFolder:
    """A folder or archive of images that was given to extract-features."""

    given: Path
    features: Path
    """Resolved path of the features.h5 that records it."""
    out: Path
    """Path of this file as it was given to extract-features."""
    beside: tuple[Path, ...]
    """Further folders in which it is looked for if it has moved."""

    @property
    def searched(self) -> list[Path]:
        """The folders in which it is looked for if it is neither at its path nor in its place beside features.h5."""
        return list(dict.fromkeys([self.features.parent, *self.beside, *self.features.parents[1:LEVELS]]))

    def find(self) -> Path | None:
        """Where it is now; None if it is nowhere."""
        return next((place for place in self._places() if _is_source(place)), None)

    def _places(self) -> Iterator[Path]:
        """Where it can be: at its path, in its place relative to features.h5, or in a folder that is searched."""
        unmoved = not self.out.is_absolute() and self.features.parts[-len(self.out.parts) :] == self.out.parts
        yield (self.features.parents[len(self.out.parts) - 1] if unmoved else self.features.parent) / self.given
        if self.given.is_absolute() == self.out.is_absolute():
            yield self.features.parent / os.path.relpath(self.given, self.out.parent)
        parts = [part for part in self.given.parts if part not in (self.given.anchor, "..")]
        for start in range(len(parts)):
            yield from (folder / Path(*parts[start:]) for folder in self.searched)


def recorded_folders(features: Path, beside: Sequence[Path] = ()) -> list[RecordedFolder]:
    """The folders and archives given to extract-features with --images, wherever they are now.

    Their paths are relative to the folder that extract-features ran in. Raises ClcapError if the file has no
    provenance.
    """
    settings = read_provenance(features).settings
    given = [folder for folder in _listed(settings.get("images")) if "\0" not in folder]
    out = Path(str(settings.get("out")))
    return [RecordedFolder(Path(folder), features.resolve(), out, tuple(beside)) for folder in given]


def recorded_image_folders(features: Path) -> list[Path]:
    """Those of the ``recorded_folders`` that are found."""
    return [place for folder in recorded_folders(features) if (place := folder.find())]


def _listed(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _is_source(folder: Path) -> bool:
    """Whether it is a folder, an archive or a pattern of archives on disk.

    The root folder and addresses are none: a file of another person could record them.
    """
    if is_of_system(folder):
        return False
    with suppress(ClcapError):  # a pattern that no file matches
        return is_folder(folder) or (is_archive(folder) and is_file(archives_of(folder)[0]))
    return False
