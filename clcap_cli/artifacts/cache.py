"""Cache files: arrays that take long to compute, stored next to the file that they were computed from.

``features.neighbours.h5`` holds the nearest neighbours of each image, ``nt.reference.h5`` the reference model's ln p of
pairs that recur. A cache is valid only for the exact files and settings that it was computed from; otherwise it is
discarded and computed again.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path

import numpy as np

from clcap_cli.artifacts.atomic import written_alone
from clcap_cli.artifacts.hdf5 import create_hdf5, open_hdf5, write_provenance
from clcap_cli.artifacts.output_lock import BusyError
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.compute.process import set_until_stage_end
from clcap_cli.compute.processes import is_first
from clcap_cli.console import print_details, print_warning
from clcap_cli.digests import digest
from clcap_cli.errors import ClcapError
from clcap_cli.tokenizers.tokenizer import Tokenizer

NEIGHBOURS_KIND = "clcap/neighbours"
LOG_PROBS_KIND = "clcap/reference-log-probs"
TOKENS_KIND = "clcap/tokens"
_WRITTEN: ContextVar[bool] = ContextVar("_WRITTEN", default=True)
"""Whether caches are written."""


def neighbours_path(features: Path) -> Path:
    """The cache of each image's nearest neighbours: ``features.neighbours.h5`` for ``features.h5``."""
    return features.with_name(f"{features.stem}.neighbours.h5")


def log_probs_path(reference: Path) -> Path:
    """The cache of the reference model's ln p: ``nt.reference.h5`` for ``nt.pt``."""
    return reference.with_name(f"{reference.stem}.reference.h5")


def tokens_path(captions: Path, tokenizer: Tokenizer) -> Path:
    """The cache of ``captions`` encoded with a tokenizer other than the file's own."""
    return captions.with_name(f"{captions.stem}.{tokenizer.id}.tokens.h5")


def remove_cache(path: Path, kind: str) -> None:
    """Delete the cache at ``path`` if it is a cache of this ``kind``."""
    with suppress(ClcapError, OSError):
        with open_hdf5(path, kind):
            pass
        path.unlink()


def write_no_caches() -> None:
    """Compute caches without writing them until the running stage ends."""
    set_until_stage_end(_WRITTEN, False)


class ArrayCache:
    """Arrays by name, each computed when it is first requested."""

    def __init__(self, path: Path, kind: str, origin: Origin):
        """Open or create a cache; ``origin`` holds all files and settings that its arrays depend on.

        Raises ClcapError if the file at ``path`` is damaged or not a cache of this ``kind``.
        """
        self.path, self.kind, self.origin = path, kind, origin
        self.arrays = self._read() if path.exists() else {}

    def get(
        self,
        name: str,
        compute: Callable[[], np.ndarray],
        is_valid: Callable[[np.ndarray], bool] = lambda _: True,
        replaced: str = "",
    ) -> np.ndarray:
        """The array called ``name``; computed and written to the file if it is not there.

        A computed array replaces those whose names start with ``replaced``, if that is not empty.

        Raises ClcapError if ``is_valid`` rejects the array in the file.
        """
        if name not in self.arrays:
            self.arrays[name] = compute()
            for other in [one for one in self.arrays if replaced and one != name and one.startswith(replaced)]:
                del self.arrays[other]
            self._write()
        elif not is_valid(self.arrays[name]):
            raise self._damaged()
        return self.arrays[name]

    def _read(self) -> dict[str, np.ndarray]:
        """The arrays of the file; none if it was computed from other inputs or settings."""
        try:
            with open_hdf5(self.path, self.kind) as (content, provenance):
                recorded = [(item.role, item.id) for item in provenance.inputs]
                current = [(role, id) for role, _, id in self.origin.inputs]
                if recorded != current or provenance.settings != self.origin.settings:
                    return {}
                arrays = {name: np.array(content.memory_map(dataset)) for name, dataset in content["arrays"].items()}
        except ClcapError as error:
            raise ClcapError(f"{error}; if you move or delete it, clcap computes it again") from error
        if _content_id(arrays) != provenance.id:
            raise self._damaged()
        return arrays

    def _damaged(self) -> ClcapError:
        return ClcapError(f"{self.path} is damaged; delete it: clcap will compute it again")

    def _write(self) -> None:
        if not (_WRITTEN.get() and is_first()):
            return
        try:
            with written_alone(self.path), create_hdf5(self.path) as (file, _):
                write_provenance(file, self.origin.make_provenance(self.kind, _content_id(self.arrays), self.path))
                for name, array in self.arrays.items():
                    file[f"arrays/{name}"] = array
        except BusyError:
            print_details(f"{self.path} is being written by another process")
        except ClcapError as error:
            print_warning(f"{error}; clcap will compute it again next time")


def _content_id(arrays: Mapping[str, np.ndarray]) -> str:
    return digest(part for name in sorted(arrays) for part in (name.encode(), arrays[name].tobytes()))
