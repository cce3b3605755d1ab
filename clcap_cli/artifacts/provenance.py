"""What every artifact says of itself: what it is, which stage made it, how, and from what.

An artifact's id is a digest of its content, so that making the same thing again gives the same id, and everything
that was made from it stays valid.
"""

import os
import platform
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from clcap_cli import __version__
from clcap_cli.artifacts.atomic import is_any_of
from clcap_cli.artifacts.earlier_names import RENAMED_KINDS
from clcap_cli.digests import digest_of_file
from clcap_cli.errors import ClcapError

FORMATS = {
    "clcap/captions": 1,
    "clcap/features": 1,
    "clcap/checkpoint": 4,
    "clcap/discriminator": 2,
    "clcap/caption-results": 1,
    "clcap/retrieval": 2,
    "clcap/log-probs": 1,
    "clcap/metrics": 2,
    "clcap/comparison": 2,
    "clcap/neighbours": 1,
    "clcap/reference-log-probs": 1,
    "clcap/tokens": 1,
    "clcap/train-state": 1,
}
"""Every kind of artifact and the newest version of it that this clcap reads and writes."""


class Input(BaseModel):
    """One artifact that another was made from; ``path`` is relative to the folder of the one that was made."""

    role: str
    path: str
    id: str


class Provenance(BaseModel):
    """The record that an artifact carries."""

    format: str
    version: int
    id: str
    stage: str
    command: str
    settings: dict[str, Any]
    clcap: str
    torch: str
    python: str
    created: str
    inputs: list[Input]

    def input(self, role: str) -> Input | None:
        """The input that played ``role``, or None."""
        return next((item for item in self.inputs if item.role == role), None)


class Artifact(Protocol):
    """Whatever was read from a file of the chain."""

    @property
    def path(self) -> Path:
        """Where it was read from."""

    @property
    def provenance(self) -> Provenance | None:
        """Its record; None for a file that another tool made."""


@dataclass
class Origin:
    """What a stage knows of the artifact that it is about to write: its settings and its inputs."""

    stage: str
    settings: Mapping[str, Any]
    inputs: list[tuple[str, Path, str]] = field(default_factory=list)

    def add_input(self, role: str, artifact: Artifact) -> None:
        """Record that ``artifact`` is an input and which part it plays."""
        if artifact.provenance is None:
            self.add_input_file(role, artifact.path)
        else:
            self.inputs.append((role, artifact.path, artifact.provenance.id))

    def add_input_file(self, role: str, path: Path) -> None:
        """Record a file that carries no provenance of its own, by a digest of its bytes."""
        self.inputs.append((role, path, digest_of_file(path)))

    @property
    def input_paths(self) -> list[Path]:
        """The files of all inputs so far."""
        return [path for _, path, _ in self.inputs]

    def make_provenance(self, kind: str, content_id: str, out: Path) -> Provenance:
        """The provenance of the artifact of ``kind`` with this content, to be written to ``out``."""
        if is_any_of(out, self.input_paths):
            raise ClcapError(f"{out} is read, so it cannot be written; give another name with --out")
        folder = out.parent.resolve()
        return Provenance(
            format=kind,
            version=FORMATS[kind],
            id=content_id,
            stage=self.stage,
            command=shlex.join(["clcap", *sys.argv[1:]]),
            settings={name: _plain(value) for name, value in self.settings.items()},
            clcap=__version__,
            torch=version("torch"),
            python=platform.python_version(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            inputs=[Input(role=role, path=_path_from(folder, path), id=id) for role, path, id in self.inputs],
        )


def parse_provenance(data: object, path: Path, kind: str | None = None) -> Provenance:
    """Check the record found in ``path``; with ``kind`` given, also that it is an artifact of that kind.

    Raises ClcapError for a file of another kind, a damaged record, or a format newer than this clcap reads.
    """
    try:
        found = Provenance.model_validate(data)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "the record"
        raise ClcapError(f"{path} is not a clcap file: its provenance is damaged at {where}") from error
    found.format = RENAMED_KINDS.get(found.format, found.format)
    known = FORMATS.get(found.format)
    if known is None:
        raise ClcapError(f"{path} is of a kind that this clcap does not know: {found.format}")
    if kind is not None and found.format != kind:
        raise ClcapError(f"{path} is a {found.format} file; {kind} is needed here")
    if found.version > known:
        raise ClcapError(
            f"{path} has format {found.format} version {found.version}, made by clcap {found.clcap}; "
            f"this clcap {__version__} reads up to version {known}: upgrade clcap"
        )
    return found


def _path_from(folder: Path, path: Path) -> str:
    """The way to ``path``; where folders outside of clcap's reach have names that are no text, it cannot be found."""
    return os.path.relpath(path.resolve(), folder).encode("utf-8", "replace").decode()


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
