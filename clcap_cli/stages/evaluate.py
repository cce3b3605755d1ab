"""evaluate: a checkpoint, or anybody's captions -> BLEU, METEOR, ROUGE_L and CIDEr."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clcap_cli.console import say
from clcap_cli.errors import ClcapError
from clcap_cli.stages.options import Beam, CaptionsFile, Device, FeaturesFile, Out, Split

if TYPE_CHECKING:
    from clcap_cli.artifacts.captions import Captions
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.datasets.records import ImageId


def evaluate(
    subject: Annotated[
        Path | None, typer.Argument(help="A captioner, *.pt, or COCO results, *.json.", show_default=False)
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Captions from anywhere: a table or COCO results, any ids.", show_default=False),
    ] = None,
    references: Annotated[
        Path | None,
        typer.Option(
            help="What people wrote: a table, a COCO captions file, or captions.h5; default: the chain's captions.h5.",
            show_default=False,
        ),
    ] = None,
    only_common: Annotated[
        bool, typer.Option("--only-common", help="Score the images that have both, whatever else there is.")
    ] = False,
    split: Split = "test",
    out: Out = None,
    beam: Beam = 3,
    captions: CaptionsFile = None,
    features: FeaturesFile = None,
    device: Device = "auto",
) -> Path:
    """Score captions against what people wrote, exactly as pycocoevalcap does.

    BLEU, METEOR and ROUGE_L go from 0 to 1, CIDEr from 0 to 10. A checkpoint first captions the split; a results file
    is compared with the split's images. A table (.csv, .jsonl, .parquet) has the columns image_id and caption, one row
    a caption; an image may have any number of references.

    Example: clcap evaluate nt_cl.captions.json --split test --out nt_cl.metrics.json

    Example: clcap evaluate --predictions mine.csv --references people.jsonl --out mine.metrics.json
    """
    settings = dict(locals())
    from clcap_cli.artifacts.atomic import check_writable
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.results import METRICS, write_figures
    from clcap_cli.metrics.quality import score_captions

    origin = Origin("evaluate", settings)
    if predictions is not None and subject is None:
        subject, pairing = predictions, _predicted(predictions, references, split, origin)
    elif subject is None or predictions is not None:
        raise ClcapError("give either a checkpoint or COCO results, or captions from anywhere with --predictions")
    elif subject.suffix == ".pt":
        pairing = _captioned(subject, references, split, beam, captions, features, device, origin)
    else:
        pairing = _read(subject, references, split, captions, origin)
    said = _common(pairing, subject, only_common)
    out = check_writable(out or subject.with_name(f"{_name(subject)}.metrics.json"))
    say(f"scoring {len(said)} captions against {sum(len(pairing.people[id]) for id in said)} references")
    quality = score_captions(said, pairing.people)
    images = [{"image_id": id, "caption": text, **quality.images[id]} for id, text in said.items()]
    left_out = {"captions": len(pairing.said) - len(said), "images": len(pairing.people) - len(said)}
    counts = {"images": len(said), "unique_captions": len(set(said.values())), "left_out": left_out}
    write_figures(out, METRICS, {**quality.figures, **counts}, images, origin)
    say("  ".join(f"{name} {value:.4f}" for name, value in quality.figures.items()))
    return out


@dataclass(frozen=True)
class _Pairing:
    """Captions and what people wrote, as they came."""

    said: "Mapping[ImageId, str]"
    people: "Mapping[ImageId, Sequence[str]]"
    splits: "Mapping[str, Collection[ImageId]]"
    """The images of every split that the references could be of."""
    may_lack: bool
    """Whether it is fine that images with references have no caption."""


def _captioned(
    checkpoint: Path,
    references: Path | None,
    split: str,
    beam: int,
    captions: Path | None,
    features: Path | None,
    device: str,
    origin: "Origin",
) -> _Pairing:
    """A checkpoint's own captions of the split."""
    from clcap_cli.stages.opened import decode_texts, open_model

    chain = open_model(checkpoint, captions, features, device, origin)
    rows = chain.rows_of(split)
    _, texts = decode_texts(chain.model, chain.reader(rows), beam, chain.checkpoint.vocabulary)
    said = dict(zip(chain.captions.ids_of(rows), texts, strict=True))
    if references is not None:
        return _Pairing(said, *_people(references, split, origin), may_lack=True)
    return _Pairing(said, *_of_split(chain.captions, split), may_lack=True)


def _read(results: Path, references: Path | None, split: str, captions: Path | None, origin: "Origin") -> _Pairing:
    """COCO results; clcap's own say which captions.h5 they belong to."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.artifacts.chain import find_input
    from clcap_cli.artifacts.results import open_caption_results
    from clcap_cli.datasets.table import SUFFIXES

    if results.suffix.lower() in SUFFIXES:
        raise ClcapError(f"{results} is a table; give it with --predictions, and what people wrote with --references")
    opened = open_caption_results(results)
    origin.uses("results", opened)
    if references is not None:
        return _Pairing(opened.captions, *_people(references, split, origin), may_lack=True)
    spoken = open_captions(find_input(opened, "captions", captions, "--captions, or references with --references"))
    origin.uses("captions", spoken)
    return _Pairing(opened.captions, *_of_split(spoken, split), may_lack=opened.provenance is not None)


def _predicted(predictions: Path, references: Path | None, split: str, origin: "Origin") -> _Pairing:
    """Captions from anywhere."""
    from clcap_cli.datasets.image_texts import image_texts, one_each

    if references is None:
        raise ClcapError("captions given with --predictions are compared with --references; give both")
    said = one_each(image_texts(predictions), predictions)
    origin.uses_file("predictions", predictions)
    return _Pairing(said, *_people(references, split, origin), may_lack=False)


def _people(path: Path, split: str, origin: "Origin") -> "tuple[dict[ImageId, list[str]], dict[str, set[ImageId]]]":
    """What --references names: the references of each image, and the splits that the file knows."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.datasets.image_texts import image_texts

    if path.suffix == ".h5":
        spoken = open_captions(path)
        origin.uses("references", spoken)
        return _of_split(spoken, split)
    people = image_texts(path)
    origin.uses_file("references", path)
    return people, {}


def _of_split(spoken: "Captions", split: str) -> "tuple[dict[ImageId, list[str]], dict[str, set[ImageId]]]":
    splits = {name: set(spoken.ids_of(spoken.rows_of(name))) for name in dict.fromkeys(spoken.splits.tolist())}
    return spoken.references(spoken.rows_of(split)), splits


def _common(pairing: _Pairing, subject: Path, only_common: bool) -> "dict[ImageId, str]":
    """The captions of images that have references, if the others may be left out.

    Raises ClcapError when they may not, and when nothing is left.
    """
    from clcap_cli.metrics.matching import mismatch

    said, people = pairing.said, pairing.people
    common = {id: text for id, text in said.items() if id in people}
    different = mismatch(said, people, pairing.splits)
    if different and not common:
        raise ClcapError(f"{subject}: {different}")
    fine = only_common or (pairing.may_lack and len(common) == len(said))
    if different and not fine:
        raise ClcapError(f"{subject}: {different}; --only-common scores the {len(common)} images that have both")
    if different:
        say(f"{different}; these are left out")
    return common


def _name(subject: Path) -> str:
    return subject.name.removesuffix(subject.suffix).removesuffix(".captions")
