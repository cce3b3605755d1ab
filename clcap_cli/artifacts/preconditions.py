"""Annotations of parameters that are files; invalid files are rejected before PyTorch is imported."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clcap_cli.artifacts.archive import check_archive
from clcap_cli.artifacts.output_lock import check_unlocked
from clcap_cli.artifacts.output_path import check_output_path
from clcap_cli.file_kinds.clcap_files import description_of
from clcap_cli.input_files import check_readable, is_folder


@dataclass(frozen=True)
class InputHdf5:
    """Annotation of an input file in HDF5 format, written by clcap."""

    kind: str
    """Kind of the artifact, such as clcap/captions."""

    def check(self, path: Path) -> None:
        """Raise ClcapError if the file is missing, damaged or of another kind."""
        from clcap_cli.artifacts.hdf5 import open_hdf5

        with open_hdf5(path, self.kind):
            pass


@dataclass(frozen=True)
class InputCheckpoint:
    """Annotation of an input file ``*.pt``, written by clcap."""

    def check(self, path: Path) -> None:
        """Raise ClcapError if the file is missing or not a PyTorch archive."""
        check_archive(path)


@dataclass(frozen=True)
class InputPath:
    """Annotation of an input file of any kind, or a folder."""

    def check(self, path: Path) -> None:
        """Raise ClcapError if the path does not exist, or if a ``*.pt`` file is not a PyTorch archive."""
        if path.suffix == ".pt":
            check_archive(path)
        elif not is_folder(path):
            check_readable(path)


@dataclass(frozen=True)
class CheckpointOrImage:
    """Annotation of a checkpoint or an image; images are checked when all of them are known."""

    def check(self, path: Path) -> None:
        """Raise ClcapError if a ``*.pt`` file is not a PyTorch archive."""
        if path.suffix == ".pt":
            check_archive(path)


@dataclass(frozen=True)
class OutputFile:
    """Annotation of an output file."""

    suffixes: tuple[str, ...]
    """Suffixes that its name may have. A name such as ``.txt`` is a suffix alone."""
    written: str
    """Noun phrase for the file that is written, as ``file_kinds`` describes it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.checked, handler(source))

    def checked(self, path: Path | None) -> Path | None:
        """Return ``path``; raises ValueError if its suffix is not one of ``suffixes``; ``check`` refuses folders."""
        if path is None or is_folder(path):
            return path
        if (path.suffix or path.name).lower() not in self.suffixes:
            *others, last = self.suffixes
            expected = f"{', '.join(others)} or {last}" if others else last
            raise ValueError(f"'{path}' must end in {expected}")
        return path

    def check(self, path: Path) -> None:
        """Raise ClcapError if no file can be written to ``path``, or if it is a file of another kind.

        Also if another process is writing it.
        """
        from clcap_cli.artifacts.replaceable import check_replaceable

        check_output_path(path)
        check_unlocked(path)
        check_replaceable(path, self.written)


JSON, HDF5 = (".json",), (".h5", ".hdf5")
CHECKPOINT_FILE = OutputFile((".pt",), description_of("clcap/checkpoint"))
CAPTIONS_FILE = OutputFile(HDF5, description_of("clcap/captions"))
FEATURES_FILE = OutputFile(HDF5, description_of("clcap/features"))
LOG_PROBS_FILE = OutputFile(HDF5, description_of("clcap/log-probs"))
RETRIEVAL_FILE = OutputFile(JSON, description_of("clcap/retrieval"))
METRICS_FILE = OutputFile(JSON, description_of("clcap/metrics"))
COMPARISON_FILE = OutputFile(JSON, description_of("clcap/comparison"))
PAGE_FILE = OutputFile((".html", ".htm"), "a page of report")
CSV_FILE = OutputFile((".csv",), "a table of metrics of report --csv")
LATEX_FILE = OutputFile((".tex", ".latex"), "LaTeX tables of report or compare")
MARKDOWN_FILE = OutputFile((".md", ".markdown"), "Markdown tables")
CAPTIONS, FEATURES = InputHdf5("clcap/captions"), InputHdf5("clcap/features")
