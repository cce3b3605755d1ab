"""Runs, read from files: the metrics, captions and training log of one model.

A run consists of all files with one name in one folder: ``nt_cl.metrics.json``, ``nt_cl.retrieval.json`` and
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
from clcap_cli.artifacts.ranking import Ranking
from clcap_cli.artifacts.results import METRICS_KIND, RETRIEVAL_KIND, Results, open_results
from clcap_cli.console import escaped
from clcap_cli.datasets.parsing import finite_numbers, read_json_lines, validated
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import is_file

LOG = ".log.jsonl"
MAX_POOL = 1_000_000
"""Largest number of images in a pool."""


class BestImage(BaseModel, frozen=True):
    """An image that a caption ranks among the best."""

    image_id: ImageId


class ImageResult(BaseModel, frozen=True):
    """A run's caption of one image and its scores."""

    image_id: ImageId
    caption: str
    rank: FiniteFloat | None = Field(None, ge=1, le=MAX_POOL)
    """Rank of the caption's own image, from 1; the middle of the ranks in a tie."""
    tied: int = Field(1, ge=1, le=MAX_POOL)
    """Number of images with the same score, including the caption's own image."""
    cider: FiniteFloat | None = Field(None, alias="CIDEr")
    references: list[str] = []
    best: list[BestImage] = []
    """The images with the highest ln p of the caption, the highest first."""

    @property
    def mistaken_for(self) -> ImageId | None:
        """The image that the caption ranks first, if that is another one; None if it is unknown."""
        own_is_first = self.rank is None or self.rank - (self.tied - 1) / 2 <= 1
        return None if own_is_first or not self.best else self.best[0].image_id


@dataclass(frozen=True)
class Run:
    """Metrics, captions and training log of one model; all fields but the name may be empty."""

    name: str
    metrics: dict[str, float]
    """Values over all images."""
    intervals: dict[str, tuple[float, float]]
    """95% confidence intervals of the metrics that have one."""
    signatures: dict[str, str]
    not_scored: dict[str, str]
    images: dict[ImageId, ImageResult]
    log: list[dict[str, float]]
    """One entry per validation; the first is the initial model."""
    sources: list[Results]
    """Files that the metrics were read from."""

    @property
    def ranking(self) -> Ranking | None:
        """Whose captions were ranked, and by which model; None if nothing was ranked."""
        return next((source.ranking for source in self.sources if source.ranking), None)

    @property
    def pool(self) -> int:
        """Number of images that each caption's own image was ranked among; 0 if nothing was ranked."""
        ranked = [image for image in self.images.values() if image.rank is not None]
        last = max((image.rank + (image.tied - 1) / 2 for image in ranked if image.rank is not None), default=0)
        return max(len(ranked), math.ceil(last))


@dataclass
class _Files:
    """The files of one run: those given, and the log in the same folder."""

    metrics: Results | None = None
    retrieval: Results | None = None
    log: list[dict[str, float]] = field(default_factory=list)


def open_runs(paths: Sequence[Path]) -> list[Run]:
    """Open the runs of the given files in their order, but ``nt_cl`` after ``nt``; logs in the same folders are found.

    Raises ClcapError for damaged files, files of another kind, and if no file contains metrics.
    """
    found: dict[tuple[Path, str], _Files] = {}
    for path in dict.fromkeys(paths):
        key = (path.parent, _name(path))
        _add(found.setdefault(key, _Files()), path)
    for (folder, name), files in found.items():
        log = folder / f"{name}{LOG}"
        if not files.log and is_file(log):
            files.log = read_log(log)
    keys = _sorted_keys(list(found))
    runs = [_run(name, found[key]) for name, key in zip(_unique_names(keys), keys, strict=True)]
    if not any(run.metrics for run in runs):
        raise ClcapError("report needs a *.metrics.json or *.retrieval.json with metrics; none of the files has any")
    return runs


def same_images(runs: Sequence[Run]) -> bool:
    """Whether all runs with captions have captions of the same images."""
    return len({frozenset(run.images) for run in runs if run.images}) <= 1


def image_warnings(runs: Sequence[Run]) -> list[str]:
    """Warnings about runs whose metrics cannot be compared, one sentence each."""
    warnings = []
    for run in runs:
        ranked = sum(image.rank is not None for image in run.images.values())
        if 0 < ranked < len(run.images):
            warnings.append(f"{run.name}: {ranked} of {len(run.images)} captions were ranked.")
    if not same_images(runs):
        sets = {run.name: set(run.images) for run in runs if run.images}
        common = len(set.intersection(*sets.values()))
        sizes = ", ".join(f"{name} {len(ids)}" for name, ids in sets.items())
        warnings.append(
            f"The runs are of different images ({sizes}; {common} in common): their metrics cannot be compared."
        )
    return warnings


def read_log(path: Path) -> list[dict[str, float]]:
    """Read the records of a training log, numbers only.

    Raises ClcapError that names a line that is not such a record.
    """
    return [_log_record(record, f"{path}, line {number}") for number, record in read_json_lines(path)]


def _log_record(record: object, place: str) -> dict[str, float]:
    epoch = upgrade_log_record(finite_numbers(record)) if isinstance(record, dict) else {}
    if "epoch" not in epoch:
        raise ClcapError(f"{place} is not a record of an epoch; *{LOG} files are written by train-mle and train-cl")
    return epoch


def _name(path: Path) -> str:
    """The name of the run that the file belongs to."""
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
        raise ClcapError(f"{before.path} and {path} are the same kind of file of the same run; give one of them")
    if opened.provenance.format == METRICS_KIND:
        files.metrics = opened
    else:
        files.retrieval = opened


def _sorted_keys(keys: Sequence[tuple[Path, str]]) -> list[tuple[Path, str]]:
    """The keys in their order, but nt_cl after nt, its reference: some shells sort ``*`` the other way round."""

    def place(key: tuple[Path, str]) -> tuple[int, int]:
        folder, name = key
        positions = [
            position
            for position, other in enumerate(keys)
            if folder == other[0] and f"{name}_".startswith(f"{other[1]}_")
        ]
        return max(positions), len(name)

    return sorted(keys, key=place)


def _unique_names(keys: Sequence[tuple[Path, str]]) -> list[str]:
    """The names; a name that occurs in several folders gets the part of the path that differs."""
    counts = Counter(name for _, name in keys)
    ambiguous = [folder.resolve() for folder, name in keys if counts[name] > 1]
    common = Path(os.path.commonpath(ambiguous)) if ambiguous else Path()
    names = [
        name if counts[name] == 1 else (folder.resolve().relative_to(common) / name).as_posix() for folder, name in keys
    ]
    return [escaped(name) for name in names]


def _run(name: str, files: _Files) -> Run:
    metrics, retrieval = files.metrics, files.retrieval
    scored, ranked = (source.metrics if source else {} for source in (metrics, retrieval))
    sources = [source for source in (retrieval, metrics) if source]
    intervals = {
        metric: interval
        for source, values in ((metrics, scored), (retrieval, ranked))
        for metric, interval in (source.intervals if source else {}).items()
        if math.isclose(values.get(metric, math.nan), {**scored, **ranked}.get(metric, math.nan), rel_tol=1e-6)
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
    """Captions with scores and ranks; if the files have different captions of an image, the ranked one.

    Without any id in common, the scored images have the ids of other references, and the ranked ones are left out.
    """
    scored, ranked = (_results(source) if source else {} for source in (metrics, retrieval))
    if scored and not scored.keys() & ranked.keys():
        return scored
    found = dict(scored)
    for id, image in ranked.items():
        other = scored.get(id)
        ranks = {"rank": image.rank, "tied": image.tied, "best": image.best}
        same = other is not None and other.caption == image.caption
        found[id] = other.model_copy(update=ranks) if other and same else image
    return found


def _results(source: Results) -> dict[ImageId, ImageResult]:
    kind = "retrieval" if source.provenance.format == RETRIEVAL_KIND else "metrics"
    results = validated({"images": source.images}, dict[str, list[ImageResult]], source.path, f"a complete {kind} file")
    return {image.image_id: image for image in results["images"]}
