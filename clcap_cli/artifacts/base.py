"""The base of a checkpoint: another checkpoint whose weights it has too, except those that it holds itself."""

from dataclasses import dataclass
from pathlib import Path

from clcap_cli.artifacts.lineage import ChangedInputError, unchanged_path
from clcap_cli.artifacts.provenance import BASE, Provenance
from clcap_cli.artifacts.saved_encoder import SavedEncoder
from clcap_cli.errors import ClcapError, NoSuchFileError


@dataclass(frozen=True)
class Base:
    """The base of a checkpoint that exists or is about to be written."""

    path: Path
    provenance: Provenance
    encoder: SavedEncoder | None
    """The image encoder of the base, which its checkpoints have too unless they hold another one."""
    own_names: frozenset[str]
    """Names of the weights that the checkpoint holds itself."""


def find_base(path: Path, provenance: Provenance) -> Path | None:
    """The path of the base of the checkpoint at ``path``; None if it holds all of its weights.

    Raises ClcapError if the base is not where it was, or is another file now.
    """
    recorded = provenance.input(BASE)
    if recorded is None:
        return None
    held = f"{path} holds only the weights in which it differs from it"
    try:
        return unchanged_path(path, recorded)
    except NoSuchFileError as error:
        raise ClcapError(f"{error}; {held}, so put it back there") from error
    except ChangedInputError as error:
        raise ClcapError(f"{error}; {held}, so restore it") from error
