"""The files of runs: all files with one name in one folder form one run.

``nt_cl.metrics.json``, ``nt_cl.retrieval.json`` and ``nt_cl.log.jsonl`` are the files of the run nt_cl.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clcap_cli.artifacts.results import METRICS_KIND, Results, open_results
from clcap_cli.artifacts.training_logs import LOG, read_log
from clcap_cli.console import escaped, print_info
from clcap_cli.errors import ClcapError
from clcap_cli.file_kinds.recognition import wrong_file_error
from clcap_cli.input_files import check_readable, is_file


@dataclass
class RunFiles:
    """The files of one run: those given, and the log in the same folder."""

    path: Path
    """Folder and name of the run: the path of its files without their suffixes."""
    metrics: Results | None = None
    retrieval: Results | None = None
    log: list[dict[str, float]] = field(default_factory=list)


def open_run_files(paths: Sequence[Path]) -> list[RunFiles]:
    """Open the files of runs, in the order of their first files; logs in the same folders are found.

    A file that is given twice, also by different paths, is opened once.

    Raises ClcapError for damaged files and files of another kind.
    """
    found: dict[Path, RunFiles] = {}
    for path in _without_repetitions(paths):
        run_path = path_of_run(path)
        _add(found.setdefault(_real_path(run_path), RunFiles(run_path)), path)
    for files in found.values():
        log = files.path.with_name(f"{files.path.name}{LOG}")
        if not files.log and is_file(log):
            files.log = read_log(log)
    return list(found.values())


def _without_repetitions(paths: Sequence[Path]) -> list[Path]:
    first: dict[Path, Path] = {}
    for path in paths:
        if first.setdefault(_real_path(path), path) is not path:
            print_info(f"{path} is given twice, and counts once")
    return list(first.values())


def _real_path(path: Path) -> Path:
    """The path in the real folder; the file itself may be a link, whose name is that of its run."""
    return path.parent.resolve() / path.name


def path_of_run(path: Path) -> Path:
    """The folder and the name of the run that a file belongs to.

    Raises ClcapError for a file that no run has.
    """
    if path.name.endswith(LOG):
        return path.with_name(path.name.removesuffix(LOG))
    if path.suffix != ".json":
        check_readable(path)
        raise wrong_file_error(path, f"a file of a run (*.metrics.json, *.retrieval.json or *{LOG})")
    return path.with_name(path.stem.removesuffix(".metrics").removesuffix(".retrieval"))


def unique_names(runs: Sequence[Path]) -> list[str]:
    """The names of runs; a name that occurs in several folders gets the part of the path that differs."""
    counts = Counter(run.name for run in runs)
    ambiguous = [run.parent.resolve() for run in runs if counts[run.name] > 1]
    common = Path(os.path.commonpath(ambiguous)) if ambiguous else Path()
    names = [
        run.name if counts[run.name] == 1 else (run.parent.resolve().relative_to(common) / run.name).as_posix()
        for run in runs
    ]
    return [escaped(name) for name in names]


def _add(files: RunFiles, path: Path) -> None:
    if path.name.endswith(LOG):
        files.log = read_log(path)
        return
    opened = open_results(path)
    before = files.metrics if opened.provenance.format == METRICS_KIND else files.retrieval
    if before is not None:
        raise ClcapError(f"{before.path} and {path} are the same kind of file of the same run; give one of them")
    if opened.provenance.format == METRICS_KIND:
        files.metrics = opened
    else:
        files.retrieval = opened
