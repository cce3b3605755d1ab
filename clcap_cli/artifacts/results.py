"""Predicted captions, self-retrieval results and metrics, as JSON.

``*.captions.json`` is a COCO results list, ``[{"image_id", "caption"}]``, with one entry per caption; pycocotools and
the COCO server accept it unchanged. Its provenance, like that of tables of captions, is in a separate file.
``*.retrieval.json`` and ``*.metrics.json`` are objects with ``provenance``, ``metrics`` (name to number, over all
images), ``intervals``, ``signatures``, and ``images``: a list with each image's ``image_id`` and its values under the
metrics' names.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, FiniteFloat

from clcap_cli.artifacts.atomic import all_or_nothing, check_writable, write_text
from clcap_cli.artifacts.caption_tables import TABLES, table_rows
from clcap_cli.artifacts.earlier_names import upgrade_results
from clcap_cli.artifacts.json_files import provenance_path, write_json
from clcap_cli.artifacts.output_path import check_names_beside
from clcap_cli.artifacts.provenance import Origin, Provenance, parse_provenance
from clcap_cli.artifacts.ranking import Ranking, ranking_of_earlier_version
from clcap_cli.artifacts.run_cards import MAX_CARDS, RunCard
from clcap_cli.datasets.captions_by_image import read_predictions, single_captions
from clcap_cli.datasets.ids import canonical_id
from clcap_cli.datasets.parsing import finite_numbers, read_json, validated
from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.datasets.records import CaptionFile, ImageId
from clcap_cli.digests import digest_of_json
from clcap_cli.errors import ClcapError
from clcap_cli.file_kinds.clcap_files import description_of
from clcap_cli.file_kinds.recognition import wrong_file_error
from clcap_cli.input_files import is_file

CAPTIONS_KIND = "clcap/caption-results"
RETRIEVAL_KIND = "clcap/retrieval"
METRICS_KIND = "clcap/metrics"
MAX_COUNT = 2**53
"""Largest count that a float can represent exactly; metrics convert counts to floats."""
MAX_METRICS, MAX_SIGNATURE = 1000, 10_000
"""Largest number of metrics of a file, and of characters of a signature; tables and comparisons show all of them."""
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]


@dataclass(frozen=True)
class CaptionResults:
    """An opened ``*.captions.json``."""

    path: Path
    captions: dict[ImageId, list[str]]
    """One or several captions of each image; in results of a beam search the most likely one is first."""
    provenance: Provenance | None
    """Provenance of the file; None if another tool wrote it or if it was edited."""
    file_names: dict[ImageId, str | None]
    """File name of each image; None if the file does not give it."""
    file: CaptionFile
    """What the file contains."""

    def single_captions(self) -> dict[ImageId, str]:
        """The only caption of each image.

        Raises ClcapError if an image has several.
        """
        return single_captions(self.captions, self.path)


def as_coco_results(captions: Mapping[ImageId, Sequence[str]]) -> list[dict[str, ImageId]]:
    """The captions as a COCO results list."""
    return [{"image_id": id, "caption": caption} for id, group in captions.items() for caption in group]


def check_results_writable(out: Path, inputs: Iterable[Path]) -> Path:
    """``check_writable`` for captions and the file with their provenance; returns ``out``.

    Raises ClcapError too if a file that clcap did not write has the name of the provenance.
    """
    inputs = [*inputs]
    _check_own_provenance(provenance_path(out), out)
    check_names_beside(out, [provenance_path(out)])
    check_writable(provenance_path(out), inputs, [out])
    return check_writable(out, inputs)


def _check_own_provenance(path: Path, out: Path) -> None:
    try:
        if is_file(path):
            parse_provenance(read_json(path), path)
    except ClcapError as error:
        raise ClcapError(
            f"{path} is not a provenance file, but clcap needs this name for {out}; rename it or give another --out"
        ) from error


def write_caption_results(
    out: Path,
    captions: Mapping[ImageId, Sequence[str]],
    origin: Origin,
    file_names: Mapping[ImageId, str] | None = None,
) -> None:
    """Write the captions of each image as a table or, by default, a COCO results list; the suffix decides.

    Tables hold the ``file_names`` too. The provenance is written to a separate file.
    """
    as_table = TABLES.get(out.suffix.lower())
    if as_table:
        captions = {id: [caption.strip() for caption in group] for id, group in captions.items()}
    with all_or_nothing():
        if as_table:
            write_text(out, as_table(table_rows(captions, file_names or {})))
        else:
            write_json(out, as_coco_results(captions))
        provenance = origin.make_provenance(CAPTIONS_KIND, _content_id(captions), out)
        write_json(provenance_path(out), provenance.model_dump())


def open_caption_results(path: Path, reading: ReadOptions = ReadOptions()) -> CaptionResults:
    """Read predicted captions, written by clcap or another tool, in any format of ``datasets/readers.py``.

    Raises ClcapError if the format is unknown or the provenance is damaged.
    """
    read = read_predictions(path, reading)
    return CaptionResults(path, read.captions, _matching_provenance(path, read.captions), read.file_names, read.file)


def _matching_provenance(path: Path, captions: Mapping[ImageId, Sequence[str]]) -> Provenance | None:
    """The provenance of the results at ``path``; None if there is none or the results were changed afterwards."""
    if not is_file(provenance_path(path)):
        return None
    provenance = parse_provenance(read_json(provenance_path(path)), provenance_path(path), CAPTIONS_KIND)
    if provenance.id == _content_id(captions):
        return provenance
    with suppress(ClcapError):  # earlier versions wrote JSON, whose ids could have other forms
        return provenance if provenance.id == digest_of_json(read_json(path)) else None
    return None


def _content_id(captions: Mapping[ImageId, Sequence[str]]) -> str:
    return digest_of_json(as_coco_results({canonical_id(id): group for id, group in captions.items()}))


@dataclass(frozen=True)
class Measurements:
    """Content of a ``*.metrics.json`` or ``*.retrieval.json`` that is about to be written."""

    metrics: Mapping[str, float]
    """Value of each metric over all images."""
    intervals: Mapping[str, tuple[float, float]]
    """95% confidence intervals of the metrics that have one."""
    signatures: Mapping[str, str]
    """Signature of each metric: everything that its value depends on besides the captions."""
    images: Sequence[Mapping[str, Any]]
    """Values of each image, with its ``image_id`` and captions."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Further content of the file by key."""


def write_results(
    out: Path, kind: str, measurements: Measurements, origin: Origin, unhashed: Mapping[str, Any] | None = None
) -> None:
    """Write ``measurements`` to ``out``.

    ``unhashed`` is also written but does not enter the artifact's id, so that equal metrics have equal ids even if, for
    example, they took different times.
    """
    content = {**vars(measurements)}
    content = {**content.pop("details"), **content}
    provenance = origin.make_provenance(kind, digest_of_json(content), out)
    write_json(out, {"provenance": provenance.model_dump(), **(unhashed or {}), **content})


def _reject_text(score: object) -> object:
    if isinstance(score, str):
        raise ValueError("a string is not a score")
    return score


class _Caption(BaseModel, extra="allow"):
    """One of several captions of an image; further keys are its scores."""

    __pydantic_extra__: dict[str, Annotated[FiniteFloat, BeforeValidator(_reject_text)]] = Field(init=False)
    caption: str
    tokenised: str = ""
    meteor_statistics: list[FiniteFloat] = Field(default=[0.0] * 23, min_length=23, max_length=23)
    frequency_bands: list[Count] = Field(default=[0] * 3, min_length=3, max_length=3)
    hallucinated_objects: list[str] = Field(default_factory=list)
    rank: FiniteFloat = Field(1, ge=1)
    tied: int = Field(1, ge=1, le=MAX_COUNT)
    pool_size: int = Field(1, ge=1, le=MAX_COUNT)


class _BestImage(BaseModel):
    """One of the images that a caption ranks best."""

    image_id: ImageId
    log_prob: FiniteFloat


class _Image(_Caption):
    """An image's entry with its caption or, if it has several, with the first and the list of all."""

    image_id: ImageId
    references: list[str] = Field(default=[""], min_length=1)
    captions: list[_Caption] = Field(default_factory=list, min_length=1)
    best: list[_BestImage] = []


class Estimate(BaseModel, frozen=True):
    """Self-retrieval of a random sample of the captions, as an estimate of that of all of them."""

    captions: Count
    """Number of captions that are ranked."""
    of: Count
    """Number of all captions."""
    intervals: dict[str, tuple[FiniteFloat, FiniteFloat]] = Field(default_factory=dict)
    """95% confidence intervals of the values of all captions."""

    def __str__(self) -> str:
        """Such as "1,000 of 100,000 captions"."""
        return f"{self.captions:,} of {self.of:,} captions"


class _Content(BaseModel):
    metrics: dict[str, Any] = Field(max_length=MAX_METRICS)
    intervals: dict[str, tuple[FiniteFloat, FiniteFloat]] = Field(default_factory=dict)
    signatures: dict[str, Annotated[str, Field(max_length=MAX_SIGNATURE)]] = Field(default_factory=dict)
    not_scored: dict[str, str] = Field(default_factory=dict)
    made_from: list[RunCard] = Field(default_factory=list, max_length=MAX_CARDS)
    images: list[dict[str, Any]] = Field(min_length=1)
    ranking: Ranking | None = None
    estimate: Estimate | None = None


@dataclass(frozen=True)
class Results:
    """An opened ``*.metrics.json`` or ``*.retrieval.json``."""

    path: Path
    provenance: Provenance
    metrics: dict[str, float]
    """Value of each metric over all images."""
    intervals: dict[str, tuple[float, float]]
    """95% confidence intervals of the metrics that have one."""
    signatures: dict[str, str]
    """Signature of each metric: everything that its value depends on besides the captions."""
    not_scored: dict[str, str]
    """Reason for each metric that could not be computed."""
    made_from: list[RunCard]
    """Run cards of all files that the results were created from, directly or indirectly."""
    images: list[dict[str, Any]]
    """One entry per image, with at least its ``image_id`` and ``caption``."""
    ranking: Ranking | None = None
    """Who wrote the captions and which model ranked the images; None for a metrics file."""
    estimate: Estimate | None = None
    """The sample of captions that a retrieval file is about; None if all captions of its pool are ranked."""


def open_results(path: Path, kind: str | None = None) -> Results:
    """Read a metrics or a retrieval file; ``kind`` restricts it to one of the two.

    Raises ClcapError if it is missing, damaged, or another kind of file.
    """
    expected = description_of(kind) if kind else f"{description_of(METRICS_KIND)} or {description_of(RETRIEVAL_KIND)}"
    data = read_json(path, expected)
    if not isinstance(data, dict) or "provenance" not in data:
        raise wrong_file_error(path, expected)
    provenance = parse_provenance(data["provenance"], path, kind)
    if provenance.format not in (RETRIEVAL_KIND, METRICS_KIND):
        raise wrong_file_error(path, expected)
    data = upgrade_results(data) if provenance.version < 2 else data
    content = validated(data, _Content, path, f"a complete {provenance.format} file")
    images = [_with_canonical_id(image) for image in content.images]
    _check_images(images, path, provenance.format)
    if provenance.format == RETRIEVAL_KIND and content.ranking is None:
        content.ranking = ranking_of_earlier_version(provenance)
    return Results(path, provenance, **{**dict(content), "images": images, "metrics": finite_numbers(content.metrics)})


def _with_canonical_id(image: dict[str, Any]) -> dict[str, Any]:
    id = image.get("image_id")
    return {**image, "image_id": canonical_id(id)} if isinstance(id, int | str) else image


def by_name(images: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The entries of images by what messages call the image: its id, or its number where it has none."""
    return {f"image {image.get('image_id', f'number {number}')}": image for number, image in enumerate(images, 1)}


def _check_images(images: list[dict[str, Any]], path: Path, kind: str) -> None:
    validated(by_name(images), dict[str, _Image], path, f"a complete {kind.removeprefix('clcap/')} file")
    if len({image["image_id"] for image in images}) < len(images):
        raise ClcapError(f"{path} is damaged: it contains an image twice")
