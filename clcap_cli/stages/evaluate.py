"""evaluate: a checkpoint or COCO results -> BLEU, METEOR, ROUGE_L and CIDEr."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clcap_cli.console import say, watching
from clcap_cli.errors import ClcapError
from clcap_cli.stages.options import Beam, CaptionsFile, Device, FeaturesFile, Out, Split

if TYPE_CHECKING:
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.results import CaptionResults
    from clcap_cli.datasets.records import ImageId


def evaluate(
    subject: Annotated[Path, typer.Argument(help="A captioner, *.pt, or COCO results, *.json.", show_default=False)],
    split: Split = "test",
    references: Annotated[
        Path | None,
        typer.Option(help="COCO captions file to compare with instead of captions.h5.", show_default=False),
    ] = None,
    out: Out = None,
    beam: Beam = 3,
    captions: CaptionsFile = None,
    features: FeaturesFile = None,
    device: Device = "auto",
) -> Path:
    """Score captions against what people wrote, exactly as pycocoevalcap does.

    BLEU, METEOR and ROUGE_L go from 0 to 1, CIDEr from 0 to 10. A results file is compared with the split's images,
    or with a COCO file's; a checkpoint first captions the split.

    Example: clcap evaluate nt_cl.captions.json --split test --out nt_cl.metrics.json
    """
    settings = dict(locals())
    from clcap_cli.artifacts.atomic import check_writable
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.results import METRICS, open_caption_results, write_figures
    from clcap_cli.metrics.quality import score_captions

    name = subject.name.removesuffix(".captions.json").removesuffix(".json").removesuffix(".pt")
    out = check_writable(out or subject.with_name(f"{name}.metrics.json"))
    origin = Origin("evaluate", settings)
    if subject.suffix == ".pt":
        said, people = _caption(subject, split, beam, captions, features, device, origin)
    else:
        results = open_caption_results(subject)
        origin.uses_results(results)
        said, people = results.captions, _people(results, split, captions, origin) if references is None else {}
    if references is not None:
        people = _coco_references(references, origin)
    _check_ids(said, people, subject, exact=references is None)
    say(f"scoring {len(said)} captions against {sum(len(people[id]) for id in said)} references")
    quality = score_captions(said, people)
    images = [{"image_id": id, "caption": text, **quality.images[id]} for id, text in said.items()]
    figures = {**quality.figures, "images": len(said), "unique_captions": len(set(said.values()))}
    write_figures(out, METRICS, figures, images, origin)
    say("  ".join(f"{name} {value:.4f}" for name, value in quality.figures.items()))
    return out


def _caption(
    checkpoint: Path,
    split: str,
    beam: int,
    captions: Path | None,
    features: Path | None,
    device: str,
    origin: "Origin",
) -> "tuple[dict[ImageId, str], dict[ImageId, list[str]]]":
    """The captions that the model writes for the split, and what people wrote."""
    from clcap_cli.artifacts.checkpoints import open_checkpoint
    from clcap_cli.artifacts.feature_reader import FeatureReader
    from clcap_cli.artifacts.inputs import captions_for, features_for
    from clcap_cli.decoding.captioning import decode
    from clcap_cli.devices import choose_device

    opened = open_checkpoint(checkpoint)
    spoken, seen = captions_for(opened, captions), features_for(opened, features)
    for role, artifact in (("checkpoint", opened), ("captions", spoken), ("features", seen)):
        origin.uses(role, artifact)
    model = opened.captioner(choose_device(device))
    rows = spoken.rows_of(split)
    ids = [spoken.image_ids[row] for row in rows]
    found = decode(model, FeatureReader(seen, ids, model), beam, watching("captioning, blocks of 64 images"))
    return dict(zip(ids, found.texts(opened.vocabulary), strict=True)), spoken.references(rows)


def _people(
    results: "CaptionResults", split: str, captions: Path | None, origin: "Origin"
) -> "dict[ImageId, list[str]]":
    """What people wrote about the split that the results are of."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.artifacts.chain import find_input

    spoken = open_captions(find_input(results, "captions", captions, "--captions, or references with --references"))
    origin.uses("captions", spoken)
    return spoken.references(spoken.rows_of(split))


def _coco_references(path: Path, origin: "Origin") -> "dict[ImageId, list[str]]":
    from clcap_cli.datasets.coco import coco_records
    from clcap_cli.datasets.reading import read_json

    origin.uses_file("references", path)
    return {image.id: image.captions for image in coco_records(read_json(path), path, "references") if image.captions}


def _check_ids(
    said: "Mapping[ImageId, str]", people: "Mapping[ImageId, Sequence[str]]", subject: Path, exact: bool
) -> None:
    """Every captioned image must have references; with ``exact``, every image with references a caption too."""
    extra = [id for id in said if id not in people]
    if extra:
        raise ClcapError(
            f"{len(extra)} of the {len(said)} images in {subject} have no references, the first is {extra[0]!r}; "
            f"the references begin with {next(iter(people))!r}: is it another split, or another kind of id?"
        )
    missing = [id for id in people if id not in said]
    if missing and exact:
        raise ClcapError(
            f"{subject} has no caption for {len(missing)} of the split's {len(people)} images, "
            f"the first is {missing[0]!r}; is it of another split?"
        )
    if missing:
        say(f"{len(missing)} images of the references have no caption and are left out")
