"""Predictions and references of the same images, from models, results or other files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.console import print_warning
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import ClcapError

if TYPE_CHECKING:
    from clcap_cli.artifacts.captions import Captions
    from clcap_cli.artifacts.provenance import Artifact, Origin
    from clcap_cli.artifacts.results import CaptionResults
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.evaluation.model_inputs import OpenedModel

UNKNOWN = "unknown"


@dataclass(frozen=True)
class EvaluationInputs:
    """Predictions and references by image, before they are matched."""

    predictions: "Mapping[ImageId, Sequence[str]]"
    references: "Mapping[ImageId, Sequence[str]]"
    splits: "Mapping[str, Collection[ImageId]]"
    """Images of each split of the file that the references come from; empty if it has no splits."""
    allow_missing: bool
    """Whether images with references may lack captions."""
    source: "Artifact | None" = None
    """The checkpoint or clcap results that the captions come from; None for other files."""
    decoding: str = UNKNOWN
    precision: str = UNKNOWN

    def matched(self, name: str, only_common: bool) -> "dict[ImageId, Sequence[str]]":
        """The predictions of images that have references; ``name`` names the predictions in messages.

        Raises ClcapError if no image has both, or if other images may not be left out.
        """
        from clcap_cli.metrics.id_matching import describe_mismatch

        common = {id: texts for id, texts in self.predictions.items() if id in self.references}
        mismatch = describe_mismatch(self.predictions, self.references, self.splits)
        if mismatch and not common:
            raise ClcapError(f"{name}: {mismatch}")
        allowed = only_common or (self.allow_missing and len(common) == len(self.predictions))
        if mismatch and not allowed:
            raise ClcapError(f"{name}: {mismatch}; --only-common scores the {len(common)} images that have both")
        if mismatch:
            print_warning(f"{mismatch}; these are left out")
        return common


def inputs_from_models(
    opened: "Sequence[OpenedModel]",
    references: Path | None,
    split: str,
    decoding: DecodingSettings,
    seed: int,
    origin: "Origin",
) -> EvaluationInputs:
    """Caption the images of a split with a model, or with an ensemble of several."""
    from clcap_cli.evaluation.model_inputs import caption_split

    first = opened[0]
    predictions = caption_split(opened, split, decoding, seed)
    if references is None:
        references_and_splits = references_of_split(first.captions, split)
    else:
        references_and_splits = read_references(references, split, origin)
    return EvaluationInputs(
        predictions,
        *references_and_splits,
        allow_missing=True,
        source=first.checkpoint,
        decoding=decoding.signature(seed),
        precision="fp32",
    )


def inputs_from_results(
    results: Path, references: Path | None, split: str, captions: Path | None, origin: "Origin"
) -> EvaluationInputs:
    """Read COCO results; the references of clcap's own results come from the captions.h5 that they record."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.artifacts.lineage import find_input
    from clcap_cli.artifacts.results import open_caption_results

    opened = open_caption_results(results)
    origin.add_input("results", opened)
    written_by_clcap = opened.provenance is not None
    if references is None:
        captions_h5 = open_captions(
            find_input(opened, "captions", captions, "--captions, or references with --references")
        )
        origin.add_input("captions", captions_h5)
        references_and_splits = references_of_split(captions_h5, split)
    else:
        references_and_splits = read_references(references, split, origin)
    return EvaluationInputs(
        opened.captions,
        *references_and_splits,
        allow_missing=written_by_clcap or references is not None,
        source=opened if written_by_clcap else None,
        decoding=decoding_signature(opened),
        precision="fp32" if written_by_clcap else UNKNOWN,
    )


def decoding_signature(results: "CaptionResults") -> str:
    """The decoding of results as text for signatures; settings that an older clcap did not record are the defaults."""
    from clcap_cli.artifacts.json_files import provenance_path
    from clcap_cli.datasets.parsing import validated

    settings = results.provenance.settings if results.provenance else {}
    recorded = {field.name: settings[field.name] for field in fields(DecodingSettings) if field.name in settings}
    if "beam" not in recorded:
        return UNKNOWN
    decoding = validated(
        recorded, DecodingSettings, provenance_path(results.path), "a complete record of decoding settings"
    )
    return decoding.signature(settings.get("seed", 0))


def inputs_from_predictions(
    predictions: Path, references: Path | None, split: str, origin: "Origin"
) -> EvaluationInputs:
    """Read captions of other programs."""
    from clcap_cli.datasets.captions_by_image import read_captions_by_image

    if references is None:
        raise ClcapError("--predictions needs --references; give both")
    captions = read_captions_by_image(predictions)
    origin.add_input_file("predictions", predictions)
    return EvaluationInputs(captions, *read_references(references, split, origin), allow_missing=False)


def read_references(
    path: Path, split: str, origin: "Origin"
) -> "tuple[dict[ImageId, list[str]], dict[str, set[ImageId]]]":
    """The references of each image in the file of --references, and the images of its splits."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.datasets.captions_by_image import read_captions_by_image

    if path.suffix == ".h5":
        captions_h5 = open_captions(path)
        origin.add_input("references", captions_h5)
        return references_of_split(captions_h5, split)
    references = read_captions_by_image(path)
    origin.add_input_file("references", path)
    return references, {}


def references_of_split(captions: "Captions", split: str) -> "tuple[dict[ImageId, list[str]], dict[str, set[ImageId]]]":
    """The references of a split's images, and the images of every split."""
    splits = {name: set(captions.ids_of(captions.rows_of(name))) for name in dict.fromkeys(captions.splits.tolist())}
    return captions.references(captions.rows_of(split)), splits
