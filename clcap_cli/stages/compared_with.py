"""What else captions are compared with, beside their references: training captions, similar images, ranks, a corpus."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.console import say
from clcap_cli.errors import ClcapError

if TYPE_CHECKING:
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.datasets.vocabulary import Vocabulary
    from clcap_cli.stages.pairing import Pairing

Columns = dict[str, Sequence]
"""A name and one value an image."""
Corpus = list[list[str]]
"""The references of each image."""


def training_columns(
    said: "Mapping[ImageId, str]", pairing: "Pairing", given: Path | None, origin: "Origin"
) -> "tuple[Vocabulary | None, Columns]":
    """The training vocabulary, and how each caption stands to the training captions, where captions.h5 is known."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.metrics.distinctiveness import frequency_bands, novel, training_texts

    path = _from_chain("captions", given, pairing)
    if path is None:
        return None, {}
    spoken = open_captions(path)
    if "train" not in spoken.splits:
        return None, {}
    origin.uses("training", spoken)
    groups = spoken.references(spoken.rows_of("train")).values()
    training = training_texts(text for group in groups for text in group)
    texts = list(said.values())
    return spoken.vocabulary, {
        "novel": [novel(text, training) for text in texts],
        "frequency_bands": [frequency_bands(text, spoken.vocabulary) for text in texts],
    }


def similar_to(
    ids: "Sequence[ImageId]", pairing: "Pairing", given: Path | None, origin: "Origin"
) -> list[list[int]] | None:
    """The images most like each, for CIDErBtw, where features.h5 is known and there is more than one image."""
    from clcap_cli.artifacts.features import open_features
    from clcap_cli.metrics.distinctiveness import SIMILAR
    from clcap_cli.retrieval.nearest import nearest_images

    path = _from_chain("features", given, pairing)
    if path is None or len(ids) < 2:
        return None
    seen = open_features(path)
    origin.uses("features", seen)
    return nearest_images(seen.pooled_at(seen.rows_of(ids)), SIMILAR).tolist()


def rank_columns(path: Path, said: "Mapping[ImageId, str]", origin: "Origin") -> Columns:
    """The rank at which each caption found its image, from self-retrieve's file.

    Raises ClcapError when that ranked other captions.
    """
    from clcap_cli.artifacts.results import RETRIEVAL, open_figures

    ranked = open_figures(path, RETRIEVAL)
    origin.uses("retrieval", ranked)
    found = {image["image_id"]: image for image in ranked.images}
    other = [id for id in said if id not in found or found[id]["caption"] != said[id]]
    if other:
        raise ClcapError(
            f"{path} does not rank {len(other)} of these {len(said)} captions, the first is that of image {other[0]}; "
            "run self-retrieve with --results on the captions that are scored"
        )
    if not all({"rank", "tied"} <= set(found[id]) for id in said):
        raise ClcapError(f"{path} is damaged: an image has no rank")
    return {name: [found[id][name] for id in said] for name in ("rank", "tied")}


def corpus_of(path: Path | None, origin: "Origin") -> "tuple[Corpus | None, str]":
    """Tokenised captions for CIDEr's document frequencies, None for the references, and their name in signatures."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.datasets.image_texts import image_texts
    from clcap_cli.metrics.quality import tokenised_groups

    if path is None:
        return None, "the references"
    if path.suffix == ".h5":
        spoken = open_captions(path)
        origin.uses("document frequencies", spoken)
        groups = spoken.references(spoken.rows_of("train"))
    else:
        groups = image_texts(path)
        origin.uses_file("document frequencies", path)
    _, _, id = origin.inputs[-1]
    return tokenised_groups(list(groups.values())), f"{path.name.replace('|', '_')}#{id[:8]} ({len(groups)} images)"


def _from_chain(role: str, given: Path | None, pairing: "Pairing") -> Path | None:
    """The file of that role, given or recorded; None, with a word on it, where the chain has lost it."""
    from clcap_cli.artifacts.chain import find_input

    if given is not None or pairing.maker is None:
        return given
    try:
        return find_input(pairing.maker, role, None, f"--{role}")
    except ClcapError as error:
        say(f"captions are not compared with the {role}: {error}")
        return None
