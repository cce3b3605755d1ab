"""Runs, read from files: the metrics, captions and training log of one model."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, FiniteFloat

from clcap_cli.artifacts.ranking import Ranking
from clcap_cli.artifacts.results import METRICS_KIND, RETRIEVAL_KIND, Results, by_name
from clcap_cli.artifacts.run_cards import RunCard
from clcap_cli.datasets.parsing import validated
from clcap_cli.datasets.records import ImageId
from clcap_cli.evaluation.run_files import RunFiles, open_run_files, unique_names

MAX_POOL = 10**9
"""Largest number of images in a pool."""
RANKS = ("rank", "tied", "pool_size")
"""Fields of an image's entry in a retrieval file that metrics are computed from."""


class BestImage(BaseModel, frozen=True):
    """An image that a caption ranks among the best."""

    image_id: ImageId
    log_prob: FiniteFloat
    """ln p of the caption, given this image."""


class ImageResult(BaseModel, frozen=True):
    """A run's caption of one image and its scores."""

    image_id: ImageId
    caption: str
    rank: FiniteFloat | None = Field(None, ge=1, le=MAX_POOL)
    """Rank of the caption's own image, from 1; the middle of the ranks in a tie."""
    tied: int = Field(1, ge=1, le=MAX_POOL)
    """Number of images with the same score, including the caption's own image."""
    pool_size: int | None = Field(None, ge=1, le=MAX_POOL)
    """Number of images that the caption's own image was ranked among; None if an earlier version ranked it."""
    cider: FiniteFloat | None = Field(None, alias="CIDEr")
    references: list[str] = []
    best: list[BestImage] = []
    """The images with the highest ln p of the caption, the highest first."""


@dataclass(frozen=True)
class Run:
    """Metrics, captions and training log of one model; all fields but the name and the path may be empty."""

    name: str
    path: Path
    """Path of its files without their suffixes."""
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
    def scored(self) -> Results | None:
        """The metrics file."""
        return next((source for source in self.sources if source.provenance.format == METRICS_KIND), None)

    @property
    def ranked(self) -> Results | None:
        """The retrieval file."""
        return next((source for source in self.sources if source.provenance.format == RETRIEVAL_KIND), None)

    @property
    def made_from(self) -> list[RunCard]:
        """Run cards of all files that the metrics were computed from; empty without a metrics file."""
        return self.scored.made_from if self.scored else []

    @property
    def ranking(self) -> Ranking | None:
        """Whose captions were ranked, and by which model; None if nothing was ranked."""
        return next((source.ranking for source in self.sources if source.ranking), None)

    @property
    def pool(self) -> int:
        """Number of images that each caption's own image was ranked among; 0 if nothing was ranked."""
        ranked = [image for image in self.images.values() if image.rank is not None]
        recorded = max((image.pool_size or 0 for image in ranked), default=0)
        last = max((image.rank + (image.tied - 1) / 2 for image in ranked if image.rank is not None), default=0)
        return max(recorded or len(ranked), math.ceil(last))

    @cached_property
    def entries(self) -> dict[ImageId, dict[str, Any]]:
        """Each image's entry of the metrics file, with the ranks of the retrieval file where the captions are the same.

        Without a metrics file, the entries of the retrieval file.
        """
        ranked, scored = (
            {image["image_id"]: image for image in source.images} if source else {}
            for source in (self.ranked, self.scored)
        )
        if not scored.keys() & ranked.keys():
            return scored or ranked
        return {id: _with_ranks(image, ranked.get(id)) for id, image in scored.items()}


def open_runs(paths: Sequence[Path]) -> list[Run]:
    """Open the runs of the given files, in the order of their first files; logs in the same folders are found.

    Raises ClcapError for damaged files and files of another kind.
    """
    found = open_run_files(paths)
    names = unique_names([files.path for files in found])
    return [make_run(name, files) for name, files in zip(names, found, strict=True)]


def make_run(name: str, files: RunFiles) -> Run:
    """The run of these files."""
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
        path=files.path,
        metrics={**scored, **ranked},
        intervals=intervals,
        signatures=_merged([source.signatures for source in reversed(sources)]),
        not_scored=_merged([source.not_scored for source in sources]),
        images=_images(metrics, retrieval),
        log=files.log,
        sources=sources,
    )


def _merged(parts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {name: text for part in parts for name, text in part.items()}


def _with_ranks(scored: Mapping[str, Any], ranked: Mapping[str, Any] | None) -> dict[str, Any]:
    """A scored image with the ranks of the same caption, and without any other ranks."""
    same = ranked is not None and ranked["caption"] == scored["caption"]
    ranks = {name: ranked[name] for name in RANKS if name in ranked} if ranked and same else {}
    return {**{name: value for name, value in scored.items() if name not in RANKS}, **ranks}


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
        ranks = {name: getattr(image, name) for name in (*RANKS, "best")}
        same = other is not None and other.caption == image.caption
        found[id] = other.model_copy(update=ranks) if other and same else image
    return found


def _results(source: Results) -> dict[ImageId, ImageResult]:
    kind = "retrieval" if source.provenance.format == RETRIEVAL_KIND else "metrics"
    results = validated(by_name(source.images), dict[str, ImageResult], source.path, f"a complete {kind} file")
    return {image.image_id: image for image in results.values()}
