"""The shards of a saved state: files with the tensors that are divided over processes, in a folder beside the state.

Each saving makes a new folder, ``nt.state.shards-2`` for ``nt.state.pt``, so that the earlier state stays whole until
the new one is. This module is fast to import.
"""

import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le

from clcap_cli.artifacts.checks import validated_part
from clcap_cli.artifacts.output_path import real_path
from clcap_cli.errors import ClcapError, damaged_file_error

SUFFIX = ".safetensors"
NAME = re.compile(r"shard-\d{5}-model-\d{5}-of-\d{5}" + re.escape(SUFFIX))
"""Names that PyTorch gives: the process, then the file of the process."""
FOLDER = re.compile(r"(?P<state>.+\.state)\.shards-(?P<number>[1-9]\d{0,8})", re.DOTALL)


class LostShardsError(ClcapError):
    """Shards that are not where their state expects them; the message says how to go on."""

    def __init__(self, state: Path, lost: str, problem: str):
        super().__init__(
            f"{state} needs {lost} beside it, which {problem}; put it there, or delete {state.name} to start the run "
            "from the beginning"
        )


@dataclass(frozen=True)
class StateShards:
    """What a state records of its shards."""

    number: Annotated[int, Ge(1), Le(999_999_999)]
    """Number of their folder."""
    files: dict[str, str]
    """Digest of each file by its name."""

    def folder(self, state: Path) -> Path:
        """Their folder beside ``state``."""
        return folder_of(state, self.number)

    def paths(self, state: Path) -> list[Path]:
        """All files, in the order of their names."""
        return [self.folder(state) / name for name in sorted(self.files)]


def recorded_shards(content: Mapping[str, Any], state: Path, kind: str) -> StateShards | None:
    """The shards that the ``content`` of a state records; None if it has none.

    Raises ClcapError unless they are regular files in their folder, which has no others.
    """
    shards = validated_part("shards", content.get("shards"), StateShards | None, state, kind)  # type: ignore[arg-type]
    if shards is not None:
        _check_files(shards, state)
    return shards


def _check_files(shards: StateShards, state: Path) -> None:
    folder = shards.folder(state)
    if foreign := [name for name in shards.files if not NAME.fullmatch(name)]:
        raise damaged_file_error(state, f"its shard '{foreign[0]}' has a name that clcap does not give")
    if folder.is_symlink() or not folder.is_dir():
        raise LostShardsError(state, f"the folder {folder.name}", _problem(folder, "folder"))
    found = _regular_files(folder)
    if missing := [path for path in shards.paths(state) if not found.get(path.name)]:
        raise LostShardsError(state, f"{folder.name}/{missing[0].name}", _problem(missing[0], "file"))
    if others := sorted(name for name in found.keys() - shards.files.keys() if name.endswith(SUFFIX)):
        raise damaged_file_error(state, f"{folder.name}/{others[0]} is none of its shards")


def _problem(path: Path, kind: str) -> str:
    if path.is_symlink():
        return "is a link, which is not followed"
    return f"is no {kind}" if path.exists() else "is missing"


def _regular_files(folder: Path) -> dict[str, bool]:
    """Whether each name in a folder is that of a regular file; nothing if the folder is missing or a link."""
    if folder.is_symlink() or not folder.is_dir():
        return {}
    return {entry.name: entry.is_file(follow_symlinks=False) for entry in os.scandir(folder)}


def folder_of(state: Path, number: int) -> Path:
    """The folder of shards with a number."""
    final = real_path(state)
    return final.with_name(f"{final.stem}.shards-{number}")


def numbers_of(state: Path) -> list[int]:
    """The numbers of the folders of shards that are there, also of those that a killed run left."""
    final = real_path(state)
    found = [FOLDER.fullmatch(entry.name) for entry in os.scandir(final.parent)] if final.parent.is_dir() else []
    return sorted(int(one["number"]) for one in found if one and one["state"] == final.stem)


def shard_files(state: Path) -> list[Path]:
    """All shards in these folders, by their names."""
    return [path for number in numbers_of(state) for path in _shards_in(folder_of(state, number))]


def remove_shards(state: Path, kept: Collection[int] = ()) -> None:
    """Remove the shards of ``state`` as far as permissions allow, but not the folders with the numbers ``kept``."""
    for folder in (folder_of(state, number) for number in numbers_of(state) if number not in kept):
        with suppress(OSError):
            for path in _shards_in(folder):
                path.unlink()
            folder.rmdir()


def _shards_in(folder: Path) -> list[Path]:
    found = _regular_files(folder)
    return [folder / name for name in sorted(found) if found[name] and NAME.fullmatch(name)]
