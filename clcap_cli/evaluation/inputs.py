"""Predictions and references of the same images, from models, results or other files."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.console import print_info, print_warning
from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.datasets.split_names import DEFAULT_SPLIT
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.left_out import is_left_out, references_beside, remaining_references
from clcap_cli.evaluation.references import References, file_names_of, read_references, references_of_split

if TYPE_CHECKING:
    from clcap_cli.artifacts.provenance import Artifact, Origin
    from clcap_cli.artifacts.results import CaptionResults
    from clcap_cli.datasets.image_matching import ImageMatching, NamesById
    from clcap_cli.datasets.records import CaptionFile, ImageId
    from clcap_cli.evaluation.model_inputs import OpenedModel

UNKNOWN = "unknown"


@dataclass(frozen=True)
class EvaluationInputs:
    """Predictions and references by image, before they are matched."""

    predictions: "Mapping[ImageId, Sequence[str]]"
    prediction_names: "NamesById"
    """File names of the images of ``predictions``, as far as they are known."""
    references: References
    allow_missing: bool
    """Whether images with references may lack captions."""
    source: "Artifact | None" = None
    """The checkpoint or clcap results that the captions come from; None for other files."""
    decoding: str = UNKNOWN
    precision: str = UNKNOWN
    references_left: Path | None = None
    """File of the references that leave-one-out kept for these captions; None for captions of models."""

    @cached_property
    def matching(self) -> "ImageMatching":
        """The image of the references for each image of the predictions.

        Raises ClcapError where it is ambiguous.
        """
        from clcap_cli.datasets.image_matching import match_images

        names = {id: self.prediction_names.get(id) for id in self.predictions}
        return match_images(names, self.references.file_names, ("the captions", "the references"))

    @property
    def matched_by(self) -> dict[str, int]:
        """Number of scored images by what they were matched by, such as "id" or "file name without folder"."""
        references = self.references.captions
        scored = {id: way for id, way in self.matching.ways.items() if self.matching.pairs[id] in references}
        return dict(Counter(scored.values()))

    def matched(self, name: str, only_common: bool) -> "dict[ImageId, Sequence[str]]":
        """The predictions of images that have references, by the references' ids.

        ``name`` names the predictions in messages. Raises ClcapError if no image has both, if other images may not be
        left out, or where it is ambiguous which images are the same.
        """
        from clcap_cli.metrics.id_matching import describe_mismatch

        references, own_id = self.references.captions, self.matching.pairs
        prediction_id = {own_id.get(id, id): id for id in self.predictions}
        common = {id: self.predictions[own] for id, own in prediction_id.items() if id in references}
        mismatch = describe_mismatch(prediction_id, references, self.references.splits)
        if mismatch and not common:
            raise ClcapError(f"{name}: {mismatch}")
        allowed = only_common or (self.allow_missing and len(common) == len(self.predictions))
        if mismatch and not allowed:
            raise ClcapError(f"{name}: {mismatch}; --only-common scores the {len(common)} images that have both")
        if mismatch:
            print_warning(f"{mismatch}; these are left out")
        self._announce_ways()
        return common

    def _announce_ways(self) -> None:
        from clcap_cli.datasets.image_matching import describe_ways

        if self.matched_by.keys() != {"id"}:
            print_info(f"matched {describe_ways(self.matched_by)}")


def inputs_from_models(
    opened: "Sequence[OpenedModel]",
    references: Path | None,
    split: str | None,
    decoding: DecodingSettings,
    seed: int,
    reading: ReadOptions,
    origin: "Origin",
) -> EvaluationInputs:
    """Caption the images of a split with a model, or with an ensemble of several."""
    from clcap_cli.evaluation.model_inputs import caption_split

    first = opened[0]
    compared = (
        read_references(references, split, reading, origin)
        if references
        else references_of_split(first.captions, split or DEFAULT_SPLIT)
    )
    report_files(reading, compared.file)
    predictions = caption_split(opened, split or DEFAULT_SPLIT, decoding, seed)
    return EvaluationInputs(
        predictions,
        file_names_of(first.captions),
        compared,
        allow_missing=True,
        source=first.checkpoint,
        decoding=decoding.signature(seed),
        precision="fp32",
    )


def inputs_from_results(
    results: Path,
    references: Path | None,
    split: str | None,
    captions: Path | None,
    reading: ReadOptions,
    origin: "Origin",
) -> EvaluationInputs:
    """Read COCO results; the references of clcap's own results come from the captions.h5 that they record."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.artifacts.lineage import find_input
    from clcap_cli.artifacts.results import open_caption_results

    opened = open_caption_results(results, reading)
    origin.add_input("results", opened)
    written_by_clcap = opened.provenance is not None
    names = opened.file_names
    references = references or remaining_references(opened)
    if references is None:
        _check_captions_recorded(opened, captions)
        captions_h5 = open_captions(
            find_input(opened, "captions", captions, "--captions, or references with --references")
        )
        origin.add_input("captions", captions_h5)
        references_of_images = references_of_split(captions_h5, split or DEFAULT_SPLIT)
    else:
        references_of_images = read_references(references, split, reading, origin)
        names = {**names, **_recorded_names(opened, captions)}
    report_files(reading, None if written_by_clcap else opened.file, references_of_images.file)
    return EvaluationInputs(
        opened.captions,
        names,
        references_of_images,
        allow_missing=written_by_clcap or references is not None,
        source=opened if written_by_clcap else None,
        decoding=decoding_signature(opened),
        precision="fp32" if written_by_clcap else UNKNOWN,
        references_left=references_beside(opened),
    )


def _check_captions_recorded(results: "CaptionResults", given: Path | None) -> None:
    """Raise ClcapError for captions of image files, which come from no captions.h5."""
    if given is None and results.provenance is not None and results.provenance.settings.get("images"):
        raise ClcapError(
            f"{results.path} has captions of image files, whose references are unknown; give references with "
            "--references, such as a table with the columns image and caption, or a captions.h5 with --captions"
        )


def decoding_signature(results: "CaptionResults") -> str:
    """The decoding of results as text for signatures; settings that an older clcap did not record are the defaults."""
    from clcap_cli.artifacts.json_files import provenance_path
    from clcap_cli.datasets.parsing import validated

    settings = results.provenance.settings if results.provenance else {}
    if is_left_out(results):
        return f"references left out, seed {settings.get('seed', 0)}"
    recorded = {field.name: settings[field.name] for field in fields(DecodingSettings) if field.name in settings}
    if "beam" not in recorded:
        return UNKNOWN
    decoding = validated(
        recorded, DecodingSettings, provenance_path(results.path), "a complete record of decoding settings"
    )
    return decoding.signature(settings.get("seed", 0))


def inputs_from_predictions(
    predictions: Path, references: Path | None, split: str | None, reading: ReadOptions, origin: "Origin"
) -> EvaluationInputs:
    """Read captions of any program; all images of the references need one."""
    from clcap_cli.artifacts.results import open_caption_results

    if references is None:
        raise ClcapError("--predictions needs --references; give both")
    given = open_caption_results(predictions, reading)
    origin.add_input("predictions", given)
    compared = read_references(references, split, reading, origin)
    report_files(reading, given.file, compared.file)
    return EvaluationInputs(
        given.captions,
        given.file_names,
        compared,
        allow_missing=False,
        decoding=decoding_signature(given),
        precision="fp32" if given.provenance else UNKNOWN,
        references_left=references_beside(given),
    )


def report_files(reading: ReadOptions, *read: "CaptionFile | None") -> None:
    """Print what was read of the files of other programs.

    Raises ClcapError if none of them has a column that the user named.
    """
    from clcap_cli.datasets.readers import check_columns_exist
    from clcap_cli.datasets.suspicious_captions import suspicious_captions

    files = [file for file in read if file is not None]
    check_columns_exist(reading, files)
    for file in files:
        print_info(file.summary())
        for warning in suspicious_captions(file):
            print_warning(f"{file.path}: {warning}")


def _recorded_names(results: "CaptionResults", captions: Path | None) -> "dict[ImageId, str]":
    """The file names in the captions.h5 that is given or that the results record; empty if there is none."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.artifacts.lineage import find_input

    with suppress(ClcapError):
        return file_names_of(open_captions(find_input(results, "captions", captions, "--captions")))
    return {}
