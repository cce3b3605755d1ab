"""Files -> runs: what was measured of one model, and how it was trained.

A run is all the files of one name in one folder: ``nt_cl.metrics.json``, ``nt_cl.retrieval.json`` and
``nt_cl.log.jsonl``.
"""

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, Field, FiniteFloat

from clcap_cli.artifacts.earlier_names import upgrade_log_record
from clcap_cli.artifacts.results import METRICS_KIND, RETRIEVAL_KIND, Results, open_results
from clcap_cli.console import visible
from clcap_cli.datasets.parsing import finite_numbers, read_json_lines, validated
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import is_file

LOG = ".log.jsonl"
MOST = 10_000_000
"""Images that a pool may have."""


class ImageResult(BaseModel, frozen=True):
    """What a run says of one image, and how well."""

    image_id: ImageId
    caption: str
    rank: FiniteFloat | None = Field(None, ge=1, le=MOST)
    """At which the caption finds its image, from 1; in the middle of a tie."""
    tied: int = Field(1, ge=1, le=MOST)
    """Images that score the same, the right one included."""
    cider: FiniteFloat | None = Field(None, alias="CIDEr")
    references: list[str] = []


@dataclass(frozen=True)
class Run:
    """One model's metrics, captions and training; every part but the name may be empty."""

    name: str
    metrics: dict[str, float]
    """Over all images, numbers only."""
    intervals: dict[str, tuple[float, float]]
    """95% confidence interval of each metric that has one."""
    signatures: dict[str, str]
    not_scored: dict[str, str]
    images: dict[ImageId, ImageResult]
    log: list[dict[str, float]]
    """One entry an epoch, the model as it came first."""
    sources: list[Results]
    """The files that the metrics are from."""

    @property
    def pool(self) -> int:
        """Images among which each caption had to find its own; 0 where none was ranked."""
        ranked = [image for image in self.images.values() if image.rank is not None]
        last = max((image.rank + (image.tied - 1) / 2 for image in ranked if image.rank is not None), default=0)
        return max(len(ranked), math.ceil(last))


@dataclass
class _Files:
    """What was given, or lies beside it, of one run."""

    metrics: Results | None = None
    retrieval: Results | None = None
    log: list[dict[str, float]] = field(default_factory=list)


def open_runs(paths: Sequence[Path]) -> list[Run]:
    """The runs that the files are of, in the order in which they came, ``nt_cl`` after ``nt``; logs are found.

    Raises ClcapError for files of another kind, damaged ones, and when no file holds metrics.
    """
    found: dict[tuple[Path, str], _Files] = {}
    for path in dict.fromkeys(paths):
        key = (path.parent, _name(path))
        _add(found.setdefault(key, _Files()), path)
    for (folder, name), files in found.items():
        log = folder / f"{name}{LOG}"
        if not files.log and is_file(log):
            files.log = read_log(log)
    keys = _in_order(list(found))
    runs = [_run(name, found[key]) for name, key in zip(_distinct(keys), keys, strict=True)]
    if not any(run.metrics for run in runs):
        raise ClcapError("report needs the metrics of a *.metrics.json or *.retrieval.json; there are none")
    return runs


def same_images(runs: Sequence[Run]) -> bool:
    """Whether all runs that have captions have them of the same images."""
    return len({frozenset(run.images) for run in runs if run.images}) <= 1


def image_warnings(runs: Sequence[Run]) -> list[str]:
    """What a reader must know before comparing the runs' metrics: one sentence each."""
    warnings = []
    for run in runs:
        ranked = sum(image.rank is not None for image in run.images.values())
        if 0 < ranked < len(run.images):
            warnings.append(f"{run.name}: {ranked} of its {len(run.images)} captions were ranked.")
    if not same_images(runs):
        sets = {run.name: set(run.images) for run in runs if run.images}
        common = len(set.intersection(*sets.values()))
        sizes = ", ".join(f"{name} {len(ids)}" for name, ids in sets.items())
        warnings.append(
            f"The runs are of different images ({sizes}; {common} in common): their metrics cannot be compared."
        )
    return warnings


def read_log(path: Path) -> list[dict[str, float]]:
    """The epochs of a training log, numbers only.

    Raises ClcapError that names the line which is not an epoch's record.
    """
    return [_epoch(record, f"{path}, line {number}") for number, record in read_json_lines(path)]


def _epoch(record: object, where: str) -> dict[str, float]:
    epoch = upgrade_log_record(finite_numbers(record)) if isinstance(record, dict) else {}
    if "epoch" not in epoch:
        raise ClcapError(f"{where} is not the record of an epoch; *{LOG} is what train-mle and train-cl write")
    return epoch


def _name(path: Path) -> str:
    """The run's name, as far as it can be written."""
    if path.name.endswith(LOG):
        stem = path.name.removesuffix(LOG)
    elif path.suffix == ".json":
        stem = path.stem.removesuffix(".metrics").removesuffix(".retrieval")
    else:
        raise ClcapError(f"{path}: report takes *.metrics.json, *.retrieval.json and *{LOG}")
    return stem


def _add(files: _Files, path: Path) -> None:
    if path.name.endswith(LOG):
        files.log = read_log(path)
        return
    opened = open_results(path)
    before = files.metrics if opened.provenance.format == METRICS_KIND else files.retrieval
    if before is not None:
        raise ClcapError(f"{before.path} and {path} are of the same run and kind; give one of them")
    if opened.provenance.format == METRICS_KIND:
        files.metrics = opened
    else:
        files.retrieval = opened


def _in_order(keys: Sequence[tuple[Path, str]]) -> list[tuple[Path, str]]:
    """As they came, but nt_cl after nt, from which train-cl made it: some shells sort ``*`` the other way round."""

    def place(key: tuple[Path, str]) -> tuple[int, int]:
        folder, name = key
        origins = [at for at, other in enumerate(keys) if folder == other[0] and f"{name}_".startswith(f"{other[1]}_")]
        return max(origins), len(name)

    return sorted(keys, key=place)


def _distinct(keys: Sequence[tuple[Path, str]]) -> list[str]:
    """The names; those that stand in several folders with the part of the folder that tells them apart."""
    counts = Counter(name for _, name in keys)
    alike = [folder.resolve() for folder, name in keys if counts[name] > 1]
    common = Path(os.path.commonpath(alike)) if alike else Path()
    names = [
        name if counts[name] == 1 else (folder.resolve().relative_to(common) / name).as_posix() for folder, name in keys
    ]
    return [visible(name) for name in names]


def _run(name: str, files: _Files) -> Run:
    metrics, retrieval = files.metrics, files.retrieval
    scored, ranked = (source.metrics if source else {} for source in (metrics, retrieval))
    sources = [source for source in (retrieval, metrics) if source]
    intervals = {
        metric: interval
        for source, own in ((metrics, scored), (retrieval, ranked))
        for metric, interval in (source.intervals if source else {}).items()
        if math.isclose(own.get(metric, math.nan), {**scored, **ranked}.get(metric, math.nan), rel_tol=1e-6)
    }
    return Run(
        name=name,
        metrics={**scored, **ranked},
        intervals=intervals,
        signatures=_merged([source.signatures for source in sources]),
        not_scored=_merged([source.not_scored for source in sources]),
        images=_images(metrics, retrieval),
        log=files.log,
        sources=sources,
    )


def _merged(parts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {name: text for part in parts for name, text in part.items()}


def _images(metrics: Results | None, retrieval: Results | None) -> dict[ImageId, ImageResult]:
    """Captions with their scores and ranks; where the two files disagree on a caption, the one that was ranked."""
    scored, ranked = (_results(source) if source else {} for source in (metrics, retrieval))
    found = dict(scored)
    for id, image in ranked.items():
        other = scored.get(id)
        same = other is not None and other.caption == image.caption
        found[id] = other.model_copy(update={"rank": image.rank, "tied": image.tied}) if other and same else image
    return found


def _results(source: Results) -> dict[ImageId, ImageResult]:
    kind = "retrieval" if source.provenance.format == RETRIEVAL_KIND else "metrics"
    results = validated({"images": source.images}, dict[str, list[ImageResult]], source.path, f"a complete {kind} file")
    return {image.image_id: image for image in results["images"]}
