"""The chain of files that a file was made from, as ``show`` prints it."""

from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.artifacts.lineage import read_provenance, recorded_path
from clcap_cli.artifacts.provenance import Input, Provenance
from clcap_cli.console import as_rich_text
from clcap_cli.digests import digest_of_path
from clcap_cli.errors import ClcapError, NoSuchFileError
from clcap_cli.input_files import InputFileOrFolder, is_folder

if TYPE_CHECKING:
    from rich.tree import Tree

MAX_INPUTS_SHOWN = 50
"""Largest number of inputs of one file that are listed; of others, the number is."""
MAX_FILES = 300
"""Largest number of files in a chain, and so of recursions."""
MAX_BYTES = 2**31
"""Largest number of bytes of files without provenance that are read to see whether they have changed."""
MAX_FOLDER_FILES = 300_000
"""Largest number of files in folders whose names and sizes are read to see whether they have changed."""


def chain(file: Path, provenance: Provenance) -> "Tree":
    """The tree of the inputs of ``file`` and, recursively, theirs, while they still exist."""
    from rich.tree import Tree

    tree = Tree(as_rich_text(_label(file.name, provenance)))
    _Chain(file).add_inputs(tree, file, provenance)
    return tree


def _label(name: str, provenance: Provenance) -> str:
    seed = provenance.settings.get("seed")
    return f"{name}  {provenance.stage}" + (f", seed {seed}" if seed is not None else "")


class _Chain:
    """Follows recorded inputs, each file once, within limits that a hostile record cannot exceed."""

    def __init__(self, file: Path):
        self.visited = {file.resolve()}
        self.files = 0
        self.bytes_left, self.folder_files_left = MAX_BYTES, MAX_FOLDER_FILES

    def add_inputs(self, tree: "Tree", file: Path, provenance: Provenance) -> None:
        """Add the inputs of a file and theirs; each file is expanded once."""
        for number, item in enumerate(provenance.inputs):
            if number == MAX_INPUTS_SHOWN or self.files == MAX_FILES:
                tree.add(as_rich_text(f"… and {len(provenance.inputs) - number:,} more inputs", "dim"))
                return
            self.files += 1
            self._add(tree, file, item)

    def _add(self, tree: "Tree", file: Path, item: Input) -> None:
        name = f"{item.role}: {item.path}"
        try:
            path = recorded_path(file, item)
        except ClcapError:
            tree.add(as_rich_text(f"{name}  (not followed)", "dim"))
            return
        known = _provenance_of(path)
        if known is None or not known.is_or_extends(item.id) or path.resolve() in self.visited:
            tree.add(as_rich_text(f"{name}  {self._state(path, item, known)}", "dim"))
            return
        self.visited.add(path.resolve())
        grown = "" if known.id == item.id else "  (extended since)"
        self.add_inputs(tree.add(as_rich_text(f"{item.role}: {_label(item.path, known)}{grown}")), path, known)

    def _state(self, path: Path, item: Input, known: Provenance | None) -> str:
        if known is not None:
            return "(see above)" if known.is_or_extends(item.id) else "(changed since)"
        try:
            InputFileOrFolder().check(path)
            if not self._is_affordable(path):
                return "(too large to be compared)"
            return "" if digest_of_path(path) == item.id else "(changed since)"
        except NoSuchFileError:
            return "(not there now)"
        except (ClcapError, OSError):
            return "(cannot be read)"

    def _is_affordable(self, path: Path) -> bool:
        """Whether the limits allow reading a file or the names in a folder, which count against them."""
        if not is_folder(path):
            self.bytes_left -= path.stat().st_size
            return self.bytes_left >= 0
        for _ in path.rglob("*"):
            self.folder_files_left -= 1
            if self.folder_files_left < 0:
                return False
        return True


def _provenance_of(path: Path) -> Provenance | None:
    try:
        return read_provenance(path)
    except (ClcapError, OSError):
        return None
