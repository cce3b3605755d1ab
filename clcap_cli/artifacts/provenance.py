"""Provenance: the record in every artifact that states its kind, its inputs, and the stage and settings used.

An artifact's id is a digest of its content. Creating the same artifact again therefore gives the same id, and artifacts
that were created from it remain valid.
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

from pydantic import BaseModel, Field, ValidationError

from clcap_cli import __version__
from clcap_cli.artifacts.earlier_names import RENAMED_KINDS
from clcap_cli.artifacts.output_path import is_any_of
from clcap_cli.console import print_details
from clcap_cli.digests import digest_of_path
from clcap_cli.errors import ClcapError
from clcap_cli.file_kinds.clcap_files import description_of
from clcap_cli.remote_path import RemotePath

FORMATS = {
    "clcap/captions": 2,
    "clcap/features": 2,
    "clcap/checkpoint": 5,
    "clcap/discriminator": 2,
    "clcap/caption-results": 1,
    "clcap/attention": 1,
    "clcap/retrieval": 3,
    "clcap/log-probs": 1,
    "clcap/metrics": 2,
    "clcap/comparison": 5,
    "clcap/export": 1,
    "clcap/references": 1,
    "clcap/neighbours": 1,
    "clcap/reference-log-probs": 1,
    "clcap/tokens": 1,
    "clcap/train-state": 1,
    "clcap/partial-features": 1,
    "clcap/partial-ranks": 1,
}
"""The format version that this clcap writes for each kind of artifact; it also reads all earlier versions."""

BASE = "base"
"""Role of the input whose weights a checkpoint has too, except those that it holds itself."""
MAX_SETTINGS = 1000
"""Largest number of settings of a stage."""


class Input(BaseModel):
    """An input of an artifact."""

    role: str
    """What the input was used as, such as "captions" or "reference"."""
    path: str
    """Path relative to the artifact's folder."""
    id: str
    """Id of the input, or a digest of its bytes if it has no provenance."""


class Provenance(BaseModel):
    """The provenance record of an artifact."""

    format: str
    """Kind of the artifact, one of ``FORMATS``."""
    version: int
    """Version of that kind's file format."""
    id: str
    """Digest of the artifact's content."""
    stage: str
    """Stage that created the artifact."""
    command: str
    """Command line that created the artifact."""
    settings: dict[str, Any] = Field(max_length=MAX_SETTINGS)
    """Settings of the stage by name."""
    clcap: str
    """Version of clcap."""
    torch: str
    """Version of PyTorch."""
    python: str
    """Version of Python."""
    created: str
    """Time of creation, in ISO 8601 format and UTC."""
    inputs: list[Input]
    extends: list[str] = []
    """Ids of earlier versions of the file, all of whose content is in this one; it can be used in their place."""

    def is_or_extends(self, id: str) -> bool:
        """Whether the file has this id or contains the whole content of the file with this id."""
        return id in extended_ids(self)

    def input(self, role: str) -> Input | None:
        """The input with this ``role``, or None."""
        return next((item for item in self.inputs if item.role == role), None)


class Artifact(Protocol):
    """An opened file of any kind."""

    @property
    def path(self) -> Path:
        """Path of the file."""

    @property
    def provenance(self) -> Provenance | None:
        """Provenance of the file; None for a file that another tool wrote."""


@dataclass
class Origin:
    """Stage, settings and inputs of an artifact that is about to be written."""

    stage: str
    settings: Mapping[str, Any]
    inputs: list[tuple[str, Path, str]] = field(default_factory=list)

    def add_input(self, role: str, artifact: Artifact) -> None:
        """Add ``artifact`` as the input with this ``role``."""
        if artifact.provenance is None:
            self.add_input_file(role, artifact.path)
        else:
            self.inputs.append((role, artifact.path, artifact.provenance.id))
            print_details(f"{role}: {artifact.path}, id {artifact.provenance.id}")

    def add_input_file(self, role: str, path: Path) -> None:
        """Add a file or folder without provenance as an input, identified by a digest of its content."""
        self.inputs.append((role, path, digest_of_path(path)))
        print_details(f"{role}: {path}")

    @property
    def input_paths(self) -> list[Path]:
        """Paths of all inputs added so far."""
        return [path for _, path, _ in self.inputs]

    def make_provenance(self, kind: str, content_id: str, out: Path) -> Provenance:
        """The provenance of an artifact of ``kind`` with this content, to be written to ``out``.

        Raises ClcapError if ``out`` is one of the inputs.
        """
        if is_any_of(out, self.input_paths):
            raise ClcapError(
                f"{out} is an input of this command, so it cannot be overwritten; give another name with --out"
            )
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
            inputs=[Input(role=role, path=_relative_path(path, folder), id=id) for role, path, id in self.inputs],
        )


def extended_ids(earlier: Provenance) -> list[str]:
    """Ids of the versions that a file extends which contains everything of the file with provenance ``earlier``."""
    return [*earlier.extends, earlier.id]


def with_content_id(provenance: Provenance, id: str) -> Provenance:
    """The provenance of a file whose content has this ``id``; a file does not extend itself."""
    return provenance.model_copy(update={"id": id, "extends": [one for one in provenance.extends if one != id]})


def parse_provenance(data: object, path: Path, kind: str | None = None) -> Provenance:
    """Validate the provenance record of ``path`` and, if ``kind`` is given, the artifact's kind.

    Raises ClcapError for another kind, a damaged record, or a format that is newer than this clcap.
    """
    try:
        provenance = Provenance.model_validate(data)
    except ValidationError as error:
        location = ".".join(map(str, error.errors()[0]["loc"])) or "the record"
        raise ClcapError(f"{path} is not a clcap file: its provenance is damaged at {location}") from error
    provenance.format = RENAMED_KINDS.get(provenance.format, provenance.format)
    newest = FORMATS.get(provenance.format)
    if newest is None:
        raise ClcapError(
            f"{path} is a {provenance.format} file, written by clcap {provenance.clcap}; this clcap {__version__} does "
            "not know this kind: upgrade clcap"
        )
    if kind is not None and provenance.format != kind:
        found, expected = description_of(provenance.format), description_of(kind)
        raise ClcapError(f"{path} is {found}; {expected} is expected here")
    if provenance.version > newest:
        raise ClcapError(
            f"{path} has format {provenance.format} version {provenance.version}, written by clcap {provenance.clcap}; "
            f"this clcap {__version__} reads up to version {newest}: upgrade clcap"
        )
    return provenance


def _relative_path(path: Path, folder: Path) -> str:
    """``path`` relative to ``folder``, or an address; bytes of names that are not valid text become question marks."""
    if isinstance(path, RemotePath):
        return str(path)
    return os.path.relpath(path.resolve(), folder).encode("utf-8", "replace").decode()


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
