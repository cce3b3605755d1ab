"""evaluate: a checkpoint or COCO results -> BLEU, METEOR, ROUGE_L and CIDEr."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clcap_cli.console import say
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
    from clcap_cli.stages.opened import decode_texts, open_model

    origin = Origin("evaluate", settings)
    own = True
    if subject.suffix == ".pt":
        chain = open_model(subject, captions, features, device, origin)
        rows = chain.rows_of(split)
        _, texts = decode_texts(chain.model, chain.reader(rows), beam, chain.checkpoint.vocabulary)
        said = dict(zip(chain.captions.ids_of(rows), texts, strict=True))
        people = chain.captions.references(rows)
    else:
        results = open_caption_results(subject)
        origin.uses("results", results)
        said, own = results.captions, results.provenance is not None
        people = {} if references else _people(results, split, captions, origin)
    if references is not None:
        people, own = _coco_references(references, origin), True
    _check_ids(said, people, subject, may_lack=own)
    name = subject.name.removesuffix(".pt").removesuffix(".json").removesuffix(".captions")
    out = check_writable(out or subject.with_name(f"{name}.metrics.json"))
    say(f"scoring {len(said)} captions against {sum(len(people[id]) for id in said)} references")
    quality = score_captions(said, people)
    images = [{"image_id": id, "caption": text, **quality.images[id]} for id, text in said.items()]
    figures = {**quality.figures, "images": len(said), "unique_captions": len(set(said.values()))}
    write_figures(out, METRICS, figures, images, origin)
    say("  ".join(f"{name} {value:.4f}" for name, value in quality.figures.items()))
    return out


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

    records = coco_records(read_json(path), path, "references")
    origin.uses_file("references", path)
    people = {image.id: image.captions for image in records if image.captions}
    if not people:
        raise ClcapError(f"{path} holds no captions to compare with")
    return people


def _check_ids(
    said: "Mapping[ImageId, str]", people: "Mapping[ImageId, Sequence[str]]", subject: Path, may_lack: bool
) -> None:
    """Every captioned image must have references; unless some ``may_lack`` one, every image a caption too."""
    extra = [id for id in said if id not in people]
    if extra:
        raise ClcapError(
            f"{len(extra)} of the {len(said)} images in {subject} have no references, the first is {extra[0]!r}; "
            f"the references begin with {next(iter(people))!r}: is it another split, or another kind of id?"
        )
    missing = [id for id in people if id not in said]
    if missing and not may_lack:
        raise ClcapError(
            f"{subject} has no caption for {len(missing)} of the split's {len(people)} images, "
            f"the first is {missing[0]!r}; is it of another split?"
        )
    if missing:
        say(f"{len(missing)} of {len(people)} images with references have no caption and are left out")
