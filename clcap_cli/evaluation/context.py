"""What predictions are measured against beside their references: training captions, similar images, ranks, a corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.console import say
from clcap_cli.errors import ClcapError

if TYPE_CHECKING:
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.evaluation.inputs import EvaluationInputs
    from clcap_cli.metrics.predictions import Columns, Context, TrainingCaptions

Corpus = list[list[str]]
"""The references of each image."""


@dataclass(frozen=True)
class Given:
    """The files that the command line names."""

    retrieval: Path | None
    cider_df: Path | None
    captions: Path | None
    features: Path | None
    spice_models: Path | None


def context_of(
    predictions: "Mapping[ImageId, Sequence[str]]", inputs: "EvaluationInputs", given: Given, origin: "Origin"
) -> "Context":
    """All that is given or that the chain has; every file of it is recorded in ``origin``."""
    from clcap_cli.metrics.predictions import Context

    ranks = _ranks(given.retrieval, predictions, origin) if given.retrieval else None
    corpus, frequencies = _corpus(given.cider_df, origin) if given.cider_df else (None, None)
    training = _training(inputs, given.captions, origin)
    similar = _similar(list(predictions), inputs, given.features, origin)
    return Context(frequencies, corpus, training, similar, ranks, given.spice_models)


def _training(inputs: "EvaluationInputs", given: Path | None, origin: "Origin") -> "TrainingCaptions | None":
    """The captions of the training split, where captions.h5 is known and has one."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.metrics.predictions import TrainingCaptions

    path = _from_chain("captions", given, inputs)
    if path is None:
        return None
    opened = open_captions(path)
    if "train" not in opened.splits:
        return None
    origin.add_input("training", opened)
    groups = opened.references(opened.rows_of("train")).values()
    return TrainingCaptions([text for group in groups for text in group], opened.tokenizer)


def _similar(
    ids: "Sequence[ImageId]", inputs: "EvaluationInputs", given: Path | None, origin: "Origin"
) -> list[list[int]] | None:
    """The images most like each, for CIDErBtw, where features.h5 is known and there is more than one image."""
    from clcap_cli.artifacts.features import open_features
    from clcap_cli.metrics.cider_between import SIMILAR_IMAGES
    from clcap_cli.retrieval.nearest_images import nearest_images

    path = _from_chain("features", given, inputs)
    if path is None or len(ids) < 2:
        return None
    opened = open_features(path)
    origin.add_input("features", opened)
    return nearest_images(opened.pooled_at(opened.rows_of(ids)), SIMILAR_IMAGES).tolist()


def _ranks(path: Path, predictions: "Mapping[ImageId, Sequence[str]]", origin: "Origin") -> "Columns":
    """The rank at which each caption found its image, from self-retrieve's file.

    Raises ClcapError when that ranked other captions, and when an image has several.
    """
    from clcap_cli.artifacts.results import RETRIEVAL_KIND, open_results

    ranked = open_results(path, RETRIEVAL_KIND)
    origin.add_input("retrieval", ranked)
    several = [id for id, texts in predictions.items() if len(texts) > 1]
    if several:
        raise ClcapError(
            f"{path} ranks one caption of each image, but image {several[0]} has more; leave --retrieval out"
        )
    found = {image["image_id"]: image for image in ranked.images}
    other = [id for id, (text,) in predictions.items() if id not in found or found[id]["caption"] != text]
    if other:
        raise ClcapError(
            f"{path} does not rank {len(other)} of these {len(predictions)} captions, the first is that of image "
            f"{other[0]}; run self-retrieve with --predictions on the captions that are scored"
        )
    if not all({"rank", "tied"} <= set(found[id]) for id in predictions):
        raise ClcapError(f"{path} is damaged: an image has no rank")
    return {name: [found[id][name] for id in predictions] for name in ("rank", "tied")}


def _corpus(path: Path, origin: "Origin") -> "tuple[Corpus, str]":
    """Tokenised captions for CIDEr's document frequencies, and their name in signatures."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.datasets.image_texts import read_captions_by_image
    from clcap_cli.metrics.scoring import tokenise_groups

    if path.suffix == ".h5":
        opened = open_captions(path)
        origin.add_input("document frequencies", opened)
        groups = opened.references(opened.rows_of("train"))
    else:
        groups = read_captions_by_image(path)
        origin.add_input_file("document frequencies", path)
    _, _, id = origin.inputs[-1]
    return tokenise_groups(list(groups.values())), f"{path.name.replace('|', '_')}#{id[:8]} ({len(groups)} images)"


def _from_chain(role: str, given: Path | None, inputs: "EvaluationInputs") -> Path | None:
    """The file of that role, given or recorded; None, with a word on it, where the chain has lost it."""
    from clcap_cli.artifacts.lineage import find_input

    if given is not None or inputs.maker is None:
        return given
    try:
        return find_input(inputs.maker, role, None, f"--{role}")
    except ClcapError as error:
        say(f"captions are not compared with the {role}: {error}")
        return None
