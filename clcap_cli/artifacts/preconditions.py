"""Marks of parameters that are files of the chain: wrong ones are refused before PyTorch is imported."""

from dataclasses import dataclass
from pathlib import Path

from clcap_cli.artifacts.archive import check_archive
from clcap_cli.artifacts.atomic import check_place
from clcap_cli.input_files import check_readable


@dataclass(frozen=True)
class InputHdf5:
    """Marks an HDF5 file that clcap wrote."""

    kind: str
    """Format that its provenance names, such as clcap/captions."""

    def check(self, path: Path) -> None:
        """Raise ClcapError when the file is missing, damaged or of another kind."""
        from clcap_cli.artifacts.hdf5 import open_hdf5

        with open_hdf5(path, self.kind):
            pass


@dataclass(frozen=True)
class InputCheckpoint:
    """Marks a *.pt file that clcap wrote."""

    def check(self, path: Path) -> None:
        """Raise ClcapError when the file is missing or no archive of PyTorch."""
        check_archive(path)


@dataclass(frozen=True)
class InputPath:
    """Marks a file of any kind, or a folder."""

    def check(self, path: Path) -> None:
        """Raise ClcapError when there is none, or when a *.pt file is no archive of PyTorch."""
        if path.suffix == ".pt":
            check_archive(path)
        elif not path.is_dir():
            check_readable(path)


@dataclass(frozen=True)
class OutputFile:
    """Marks a file to write."""

    def check(self, path: Path) -> None:
        """Raise ClcapError when no file can be written there."""
        check_place(path)


CAPTIONS, FEATURES = InputHdf5("clcap/captions"), InputHdf5("clcap/features")
