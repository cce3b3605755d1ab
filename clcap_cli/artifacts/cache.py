"""Arrays that are dear to compute and cheap to keep: a file of them beside what they were computed from.

``features.neighbours.h5`` holds which images look alike, ``nt.reference.h5`` the reference's ln p of pairs that come
again. They belong to the very files they were computed from; when one of these is another, they are dropped.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from clcap_cli.artifacts.hdf5 import create_hdf5, open_hdf5, write_provenance
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.console import say
from clcap_cli.digests import digest
from clcap_cli.errors import ClcapError
from clcap_cli.tokenizers.tokenizer import Tokenizer

NEIGHBOURS_KIND = "clcap/neighbours"
LOG_PROBS_KIND = "clcap/reference-log-probs"
TOKENS_KIND = "clcap/tokens"


def neighbours_path(features: Path) -> Path:
    """Where it is kept which images look alike: ``features.neighbours.h5`` for ``features.h5``."""
    return features.with_name(f"{features.stem}.neighbours.h5")


def log_probs_path(reference: Path) -> Path:
    """Where the reference's ln p are kept: ``nt.reference.h5`` for ``nt.pt``."""
    return reference.with_name(f"{reference.stem}.reference.h5")


def tokens_path(captions: Path, tokenizer: Tokenizer) -> Path:
    """Where the captions' tokens of another tokenizer than the file's own are cached."""
    return captions.with_name(f"{captions.stem}.{tokenizer.id}.tokens.h5")


def remove_cache(path: Path, kind: str) -> None:
    """Remove what is kept at ``path``, if it is of this ``kind``."""
    with suppress(ClcapError, OSError):
        with open_hdf5(path, kind):
            pass
        path.unlink()


class ArrayCache:
    """Arrays by name, each computed when it is first asked for."""

    def __init__(self, path: Path, kind: str, origin: Origin):
        """``origin`` names the files and settings that the arrays of this ``kind`` depend on, all of them.

        Raises ClcapError when something else is at ``path``.
        """
        self.path, self.kind, self.origin = path, kind, origin
        self.arrays = self._read() if path.exists() else {}

    def get(
        self, name: str, compute: Callable[[], np.ndarray], fits: Callable[[np.ndarray], bool] = lambda _: True
    ) -> np.ndarray:
        """The array called ``name``; where it is not known it is computed and written.

        Raises ClcapError when the file's does not fit what it is for.
        """
        if name not in self.arrays:
            self.arrays[name] = compute()
            self._write()
        elif not fits(self.arrays[name]):
            raise self._damaged()
        return self.arrays[name]

    def _read(self) -> dict[str, np.ndarray]:
        """What the file holds, nothing if it belongs to other inputs or settings."""
        try:
            with open_hdf5(self.path, self.kind) as (content, provenance):
                inputs = [(item.role, item.id) for item in provenance.inputs]
                same = inputs == [(role, id) for role, _, id in self.origin.inputs]
                if not same or provenance.settings != self.origin.settings:
                    return {}
                arrays = {name: np.array(content.mapped(stored)) for name, stored in content["arrays"].items()}
        except ClcapError as error:
            raise ClcapError(f"{error}, or remove it: it is computed anew") from error
        if _content_id(arrays) != provenance.id:
            raise self._damaged()
        return arrays

    def _damaged(self) -> ClcapError:
        return ClcapError(f"{self.path} is damaged; remove it: it is computed anew")

    def _write(self) -> None:
        try:
            with create_hdf5(self.path) as (file, _):
                write_provenance(file, self.origin.make_provenance(self.kind, _content_id(self.arrays), self.path))
                for name, values in self.arrays.items():
                    file[f"arrays/{name}"] = values
        except ClcapError as error:
            say(f"warning: {error}; computed anew next time")


def _content_id(arrays: Mapping[str, np.ndarray]) -> str:
    return digest(part for name in sorted(arrays) for part in (name.encode(), arrays[name].tobytes()))
