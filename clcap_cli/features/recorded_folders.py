"""The folders and archives that extract-features read the images from, as features.h5 records them."""

from pathlib import Path

from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.features.image_stores import is_archive
from clcap_cli.input_files import is_file, is_folder, is_of_system


def recorded_image_folders(features: Path) -> list[Path]:
    """The folders and archives given to extract-features with --images; those that have moved are left out.

    Their paths are relative to the folder that extract-features ran in. Raises ClcapError if the file has no
    provenance.
    """
    settings = read_provenance(features).settings
    given = settings.get("images")
    out = Path(str(settings.get("out")))
    path = features.resolve()
    unmoved = not out.is_absolute() and path.parts[-len(out.parts) :] == out.parts
    ran_in = path.parents[len(out.parts) - 1] if unmoved else path.parent
    folders = [ran_in / str(folder) for folder in (given if isinstance(given, list) else [])]
    return [folder for folder in folders if _is_source(folder)]


def _is_source(folder: Path) -> bool:
    """Whether it is a folder or an archive; not the root folder, which a file of another person could record."""
    if "\0" in str(folder) or is_of_system(folder):
        return False
    return is_folder(folder) or (is_file(folder) and is_archive(folder))
