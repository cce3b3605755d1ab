"""Captions and what people wrote about the same images, from wherever they come."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.compute import Compute
from clcap_cli.console import say
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import ClcapError

if TYPE_CHECKING:
    from clcap_cli.artifacts.captions import Captions
    from clcap_cli.artifacts.provenance import Artifact, Origin
    from clcap_cli.datasets.records import ImageId

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Pairing:
    """Captions and references, as they came."""

    said: "Mapping[ImageId, str]"
    people: "Mapping[ImageId, Sequence[str]]"
    splits: "Mapping[str, Collection[ImageId]]"
    """The images of every split that the references could be of."""
    may_lack: bool
    """Whether it is fine that images with references have no caption."""
    maker: "Artifact | None" = None
    """The file of the chain that the captions come from: a checkpoint, or clcap's own results."""
    decoding: str = UNKNOWN
    precision: str = UNKNOWN

    def common(self, subject: Path, only_common: bool) -> "dict[ImageId, str]":
        """The captions of images that have references, if the others may be left out.

        Raises ClcapError when they may not, and when nothing is left.
        """
        from clcap_cli.metrics.matching import mismatch

        common = {id: text for id, text in self.said.items() if id in self.people}
        different = mismatch(self.said, self.people, self.splits)
        if different and not common:
            raise ClcapError(f"{subject}: {different}")
        fine = only_common or (self.may_lack and len(common) == len(self.said))
        if different and not fine:
            raise ClcapError(f"{subject}: {different}; --only-common scores the {len(common)} images that have both")
        if different:
            say(f"{different}; these are left out")
        return common


def captioned(
    checkpoint: Path,
    references: Path | None,
    split: str,
    decoding: DecodingSettings,
    captions: Path | None,
    features: Path | None,
    compute: Compute,
    seed: int,
    origin: "Origin",
) -> Pairing:
    """A checkpoint's own captions of the split."""
    from clcap_cli.stages.opened import decode_texts, open_model

    chain = open_model(checkpoint, captions, features, compute, origin)
    rows = chain.rows_of(split)
    _, texts = decode_texts(chain.model, chain.reader(rows), decoding, chain.checkpoint.tokenizer, seed)
    said = dict(zip(chain.captions.ids_of(rows), texts, strict=True))
    people = of_split(chain.captions, split) if references is None else written(references, split, origin)
    told = decoding.signature(seed)
    return Pairing(said, *people, may_lack=True, maker=chain.checkpoint, decoding=told, precision="fp32")


def read(results: Path, references: Path | None, split: str, captions: Path | None, origin: "Origin") -> Pairing:
    """COCO results; clcap's own say which captions.h5 they belong to."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.artifacts.chain import find_input
    from clcap_cli.artifacts.results import open_caption_results

    opened = open_caption_results(results)
    origin.uses("results", opened)
    own = opened.provenance is not None
    if references is None:
        spoken = open_captions(find_input(opened, "captions", captions, "--captions, or references with --references"))
        origin.uses("captions", spoken)
        people = of_split(spoken, split)
    else:
        people = written(references, split, origin)
    beam = opened.provenance.settings.get("beam") if opened.provenance else None
    return Pairing(
        opened.captions,
        *people,
        may_lack=own or references is not None,
        maker=opened if own else None,
        decoding=f"beam {beam}" if beam else UNKNOWN,
        precision="fp32" if own else UNKNOWN,
    )


def predicted(predictions: Path, references: Path | None, split: str, origin: "Origin") -> Pairing:
    """Captions from anywhere."""
    from clcap_cli.datasets.image_texts import image_texts, one_each

    if references is None:
        raise ClcapError("captions given with --predictions are compared with --references; give both")
    said = one_each(image_texts(predictions), predictions)
    origin.uses_file("predictions", predictions)
    return Pairing(said, *written(references, split, origin), may_lack=False)


def written(path: Path, split: str, origin: "Origin") -> "tuple[dict[ImageId, list[str]], dict[str, set[ImageId]]]":
    """What --references names: the references of each image, and the splits that the file knows."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.datasets.image_texts import image_texts

    if path.suffix == ".h5":
        spoken = open_captions(path)
        origin.uses("references", spoken)
        return of_split(spoken, split)
    people = image_texts(path)
    origin.uses_file("references", path)
    return people, {}


def of_split(spoken: "Captions", split: str) -> "tuple[dict[ImageId, list[str]], dict[str, set[ImageId]]]":
    """The references of a split's images, and the images of every split."""
    splits = {name: set(spoken.ids_of(spoken.rows_of(name))) for name in dict.fromkeys(spoken.splits.tolist())}
    return spoken.references(spoken.rows_of(split)), splits
