"""Predictions and references of the same images, from wherever they come."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.console import say
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
    """Predictions and references by image, as they came."""

    predictions: "Mapping[ImageId, Sequence[str]]"
    references: "Mapping[ImageId, Sequence[str]]"
    splits: "Mapping[str, Collection[ImageId]]"
    """The images of every split that the references could be of."""
    allow_missing: bool
    """Whether it is fine that images with references have no caption."""
    maker: "Artifact | None" = None
    """The file of the chain that the captions come from: a checkpoint, or clcap's own results."""
    decoding: str = UNKNOWN
    precision: str = UNKNOWN

    def common(self, subject: str, only_common: bool) -> "dict[ImageId, Sequence[str]]":
        """The predictions of images that have references, if the others may be left out.

        Raises ClcapError when they may not, and when nothing is left.
        """
        from clcap_cli.metrics.id_matching import describe_mismatch

        common = {id: texts for id, texts in self.predictions.items() if id in self.references}
        different = describe_mismatch(self.predictions, self.references, self.splits)
        if different and not common:
            raise ClcapError(f"{subject}: {different}")
        fine = only_common or (self.allow_missing and len(common) == len(self.predictions))
        if different and not fine:
            raise ClcapError(f"{subject}: {different}; --only-common scores the {len(common)} images that have both")
        if different:
            say(f"{different}; these are left out")
        return common


def captioned(
    opened: "Sequence[OpenedModel]",
    references: Path | None,
    split: str,
    decoding: DecodingSettings,
    seed: int,
    origin: "Origin",
) -> EvaluationInputs:
    """The captions that a checkpoint, or an ensemble of several, gives the split's images."""
    from clcap_cli.evaluation.model_inputs import caption_split

    found, first = caption_split(opened, split, decoding, seed), opened[0]
    others = of_split(first.captions, split) if references is None else written(references, split, origin)
    signature = decoding.signature(seed)
    return EvaluationInputs(
        found, *others, allow_missing=True, maker=first.checkpoint, decoding=signature, precision="fp32"
    )


def read(
    results: Path, references: Path | None, split: str, captions: Path | None, origin: "Origin"
) -> EvaluationInputs:
    """COCO results; clcap's own say which captions.h5 they belong to."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.artifacts.lineage import find_input
    from clcap_cli.artifacts.results import open_caption_results

    opened = open_caption_results(results)
    origin.add_input("results", opened)
    own = opened.provenance is not None
    if references is None:
        captions_h5 = open_captions(
            find_input(opened, "captions", captions, "--captions, or references with --references")
        )
        origin.add_input("captions", captions_h5)
        others = of_split(captions_h5, split)
    else:
        others = written(references, split, origin)
    return EvaluationInputs(
        opened.captions,
        *others,
        allow_missing=own or references is not None,
        maker=opened if own else None,
        decoding=decoding_of(opened),
        precision="fp32" if own else UNKNOWN,
    )


def decoding_of(results: "CaptionResults") -> str:
    """How results were decoded, in the words of signatures; what an older clcap did not record has its default."""
    from clcap_cli.artifacts.json_files import provenance_path
    from clcap_cli.datasets.parsing import validated

    settings = results.provenance.settings if results.provenance else {}
    recorded = {field.name: settings[field.name] for field in fields(DecodingSettings) if field.name in settings}
    if "beam" not in recorded:
        return UNKNOWN
    found = validated(
        recorded, DecodingSettings, provenance_path(results.path), "a whole record of how captions were decoded"
    )
    return found.signature(settings.get("seed", 0))


def predicted(predictions: Path, references: Path | None, split: str, origin: "Origin") -> EvaluationInputs:
    """Captions from anywhere."""
    from clcap_cli.datasets.image_texts import read_captions_by_image

    if references is None:
        raise ClcapError("captions given with --predictions are compared with --references; give both")
    found = read_captions_by_image(predictions)
    origin.add_input_file("predictions", predictions)
    return EvaluationInputs(found, *written(references, split, origin), allow_missing=False)


def written(path: Path, split: str, origin: "Origin") -> "tuple[dict[ImageId, list[str]], dict[str, set[ImageId]]]":
    """What --references names: the references of each image, and the splits that the file knows."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.datasets.image_texts import read_captions_by_image

    if path.suffix == ".h5":
        captions_h5 = open_captions(path)
        origin.add_input("references", captions_h5)
        return of_split(captions_h5, split)
    found = read_captions_by_image(path)
    origin.add_input_file("references", path)
    return found, {}


def of_split(captions: "Captions", split: str) -> "tuple[dict[ImageId, list[str]], dict[str, set[ImageId]]]":
    """The references of a split's images, and the images of every split."""
    splits = {name: set(captions.ids_of(captions.rows_of(name))) for name in dict.fromkeys(captions.splits.tolist())}
    return captions.references(captions.rows_of(split)), splits
