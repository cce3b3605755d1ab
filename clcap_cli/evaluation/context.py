"""Evaluation context: training captions, similar images, ranks and document frequencies, opened from files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.console import print_warning
from clcap_cli.errors import ClcapError

if TYPE_CHECKING:
    from clcap_cli.artifacts.features import Features
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.compute.settings import ComputeSettings
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.evaluation.encoder_settings import EncoderSettings
    from clcap_cli.evaluation.inputs import EvaluationInputs
    from clcap_cli.metrics.predictions import Columns, Context, TrainingCaptions
    from clcap_cli.segmentation.segmenter import Segmenter

RANK_COLUMNS = ("rank", "tied", "pool_size")
"""Values of each image that are taken from a file of self-retrieve; earlier versions did not write all of them."""
CaptionGroups = list[list[str]]
"""Captions of each image."""


@dataclass(frozen=True)
class ContextFiles:
    """Paths given on the command line."""

    retrieval: Path | None
    cider_df: Path | None
    captions: Path | None
    features: Path | None
    spice_models: Path | None
    objects: Path | None


def build_context(
    predictions: "Mapping[ImageId, Sequence[str]]",
    inputs: "EvaluationInputs",
    files: ContextFiles,
    encoders: "EncoderSettings",
    segmenter: "Segmenter | None",
    compute: "ComputeSettings",
    origin: "Origin",
) -> "Context":
    """Open the given files and those that the inputs were made from, and record them in ``origin``."""
    from clcap_cli.evaluation.encoders import build_encoders
    from clcap_cli.evaluation.objects import annotated_objects
    from clcap_cli.metrics.predictions import Context

    features = _given_or_recorded("features", files.features, inputs)
    sentence_encoder, clip = build_encoders(encoders, compute, inputs, features)
    df_name, df_captions = _df_captions(files.cider_df, segmenter, origin) if files.cider_df else (None, None)
    ranks, ranked_by = _retrieval_ranks(files.retrieval, predictions, inputs, origin) if files.retrieval else (None, {})
    objects = annotated_objects(files.objects, list(predictions), inputs, origin) if files.objects else (None, None)
    return Context(
        df_name=df_name,
        df_captions=df_captions,
        training=_training_captions(inputs, files.captions, origin),
        similar_images=_similar_images(list(predictions), inputs, features, origin),
        retrieval_ranks=ranks,
        retrieval_signature=ranked_by,
        segmenter=segmenter,
        objects_name=objects[0],
        objects=objects[1],
        spice_models=files.spice_models,
        sentence_encoder=sentence_encoder,
        clip=clip,
    )


def _training_captions(inputs: "EvaluationInputs", given: Path | None, origin: "Origin") -> "TrainingCaptions | None":
    """The captions of the training split; None if captions.h5 is unknown or has no such split."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.metrics.predictions import TrainingCaptions

    path = _given_or_recorded("captions", given, inputs)
    if path is None:
        return None
    opened = open_captions(path)
    if "train" not in opened.splits:
        return None
    origin.add_input("training", opened)
    groups = opened.references(opened.rows_of("train")).values()
    return TrainingCaptions([text for group in groups for text in group], opened.tokenizer)


def _similar_images(
    ids: "Sequence[ImageId]", inputs: "EvaluationInputs", path: Path | None, origin: "Origin"
) -> list[list[int]] | None:
    """Positions of the images most similar to each, for CIDErBtw; None without features.h5 or with a single image."""
    from clcap_cli.artifacts.features import open_features
    from clcap_cli.metrics.cider_between import SIMILAR_IMAGES
    from clcap_cli.retrieval.nearest_images import nearest_images

    if path is None or len(ids) < 2:
        return None
    opened = open_features(path)
    origin.add_input("features", opened)
    rows = opened.rows_of(_ids_in_features(ids, inputs, opened))
    return nearest_images(opened.pooled_at(rows), SIMILAR_IMAGES).tolist()


def _ids_in_features(ids: "Sequence[ImageId]", inputs: "EvaluationInputs", features: "Features") -> "list[ImageId]":
    """The ids that the images ``ids`` of the references have in features.h5; unchanged for images that it lacks."""
    from clcap_cli.datasets.image_matching import match_images

    names = inputs.references.file_names
    if inputs.source is not None:  # features.h5 has the ids of the captions, which references may not have
        own_id = {other: own for own, other in inputs.matching.pairs.items()}
        names = {own_id[id]: inputs.prediction_names.get(own_id[id]) or names.get(id) for id in ids}
        ids = [own_id[id] for id in ids]
    stored, listed = features.names_to_match(ids), {id: names.get(id) for id in ids}
    pairs = match_images(listed, stored, ("the captions", str(features.path))).pairs
    return [pairs.get(id, id) for id in ids]


def _retrieval_ranks(
    path: Path, predictions: "Mapping[ImageId, Sequence[str]]", inputs: "EvaluationInputs", origin: "Origin"
) -> "tuple[Columns, dict[str, str]]":
    """The rank of each caption's own image, from a file of self-retrieve, and the signature of its pool and ranker.

    Raises ClcapError if the file is an estimate or ranks other captions, and if an image has several captions.
    """
    from clcap_cli.artifacts.results import RETRIEVAL_KIND, open_results
    from clcap_cli.metrics.signature import split_signature

    ranked = open_results(path, RETRIEVAL_KIND)
    origin.add_input("retrieval", ranked)
    if ranked.estimate:
        raise ClcapError(
            f"{path} is an estimate from {ranked.estimate}, so it has no rank of the others; run self-retrieve without "
            "--estimate, or omit --retrieval"
        )
    multiple = [id for id, texts in predictions.items() if len(texts) > 1]
    if multiple:
        raise ClcapError(f"{path} ranks one caption of each image, but image {multiple[0]} has more; omit --retrieval")
    by_id = {image["image_id"]: image for image in ranked.images}
    by_id |= {other: by_id[own] for own, other in inputs.matching.pairs.items() if own in by_id}
    unranked = [id for id, (text,) in predictions.items() if id not in by_id or by_id[id]["caption"] != text]
    if unranked:
        raise ClcapError(
            f"{path} does not rank {len(unranked)} of these {len(predictions)} captions; the first is that of image "
            f"{unranked[0]}; run self-retrieve with --predictions on the captions to score"
        )
    if not all({"rank", "tied"} <= set(by_id[id]) for id in predictions):
        raise ClcapError(f"{path} is damaged: an image has no rank")
    columns = [name for name in RANK_COLUMNS if all(name in by_id[id] for id in predictions)]
    signature = split_signature(ranked.signatures.get("R@1", ""))
    parts: dict[str, str] = {name: signature[name] for name in ("pool", "ranker") if name in signature}
    return {name: [by_id[id][name] for id in predictions] for name in columns}, parts


def _df_captions(path: Path, segmenter: "Segmenter | None", origin: "Origin") -> "tuple[str, CaptionGroups]":
    """Name (in signatures) and tokenised captions, by image, in which CIDEr's document frequencies are counted."""
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.datasets.captions_by_image import read_captions_by_image
    from clcap_cli.metrics.scoring import tokenise_groups

    if path.suffix == ".h5":
        opened = open_captions(path)
        origin.add_input("document frequencies", opened)
        groups = opened.references(opened.rows_of("train"))
    else:
        groups = read_captions_by_image(path)
        origin.add_input_file("document frequencies", path)
    _, _, id = origin.inputs[-1]
    name = f"{path.name.replace('|', '_')}#{id[:8]} ({len(groups)} images)"
    return name, tokenise_groups(list(groups.values()), segmenter)


def _given_or_recorded(role: str, given: Path | None, inputs: "EvaluationInputs") -> Path | None:
    """The file with this role, given or recorded, or None; a message says if a recorded file is missing."""
    from clcap_cli.artifacts.lineage import find_input

    source = inputs.source
    if given is not None or source is None or source.provenance is None or source.provenance.input(role) is None:
        return given
    try:
        return find_input(source, role, None, f"--{role}")
    except ClcapError as error:
        print_warning(f"metrics that need {role}.h5 are not computed: {error}")
        return None
