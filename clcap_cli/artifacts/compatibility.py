"""Checks that a checkpoint, captions and features fit together: same tokenizer, same backbone, same images."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from clcap_cli.artifacts.captions import Captions, open_captions
from clcap_cli.artifacts.checkpoints import Checkpoint
from clcap_cli.artifacts.feature_info import FeatureInfo
from clcap_cli.artifacts.features import Features, open_features
from clcap_cli.artifacts.lineage import find_input
from clcap_cli.artifacts.provenance import Artifact
from clcap_cli.console import print_info
from clcap_cli.datasets.file_names import is_same_name
from clcap_cli.datasets.image_matching import describe_ways, match_images
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError
from clcap_cli.tokenizers.tokenizer import Tokenizer
from clcap_cli.tokenizers.words import WordTokenizer


def captions_for(checkpoint: Checkpoint, given: Path | None) -> Captions:
    """The captions that the checkpoint was trained on, or those at ``given``.

    Raises ClcapError if their vocabulary differs from the checkpoint's, unless they only extend the captions that it
    was trained on; it then keeps its own vocabulary.
    """
    captions = open_captions(find_input(checkpoint, "captions", given, "--captions"))
    if isinstance(checkpoint.tokenizer, WordTokenizer) and not was_trained_on(checkpoint, captions):
        check_tokenizer(checkpoint, captions.tokenizer, captions.path)
    return captions


def was_trained_on(checkpoint: Checkpoint, captions: Captions) -> bool:
    """Whether the checkpoint was trained on ``captions``, or on an earlier version that they extend."""
    recorded = checkpoint.provenance.input("captions")
    return recorded is not None and captions.provenance.is_or_extends(recorded.id)


def features_for(
    checkpoint: Checkpoint,
    captions: Captions,
    given: Path | None,
    option: str = "--features",
    others: Sequence[Artifact] = (),
) -> Features:
    """The features that the checkpoint was trained on, or those at ``given``, the value of ``option``.

    Raises ClcapError if they come from another backbone or from other images than ``captions``; the message names
    ``option`` and, if the features that the checkpoint or one of the ``others`` records would fit, their file.
    """
    features = open_features(find_input(checkpoint, "features", given, option))
    try:
        check_backbone(checkpoint, features.backbone, str(features.path))
        stored = _checked_names(captions, features)
    except ClcapError as error:
        raise ClcapError(f"{error}; {features_advice(checkpoint, captions, option, others)}") from error
    return _by_caption_ids(captions, features, stored)


def features_advice(checkpoint: Checkpoint, captions: Captions, option: str, others: Sequence[Artifact]) -> str:
    """What to give with ``option`` as the features of the checkpoint; names a file, if a recorded one fits."""
    fitting = next(_fitting_features(checkpoint, captions, [checkpoint, *others]), None)
    example = f", such as {fitting}" if fitting else ""
    return (
        f"give features of the images of {captions.path} from the backbone of {checkpoint.path} with {option}{example}"
    )


def _fitting_features(checkpoint: Checkpoint, captions: Captions, artifacts: Sequence[Artifact]) -> Iterator[Path]:
    """The features that ``artifacts`` record and that have the checkpoint's backbone and all images."""
    listed = dict(zip(captions.image_ids, captions.file_names, strict=True))
    for artifact in artifacts:
        with suppress(ClcapError):
            features = open_features(find_input(artifact, "features", None, ""))
            stored = {**dict.fromkeys(features.skipped, ""), **features.names_to_match(captions.image_ids)}
            same = all(id in stored and is_same_name(stored[id] or name, name) for id, name in listed.items())
            if same and not checkpoint.backbone.differences(features.backbone):
                yield features.path


def features_by_caption_ids(captions: Captions, features: Features) -> Features:
    """The features under the ids of ``captions``; images whose ids differ are matched by file name.

    Raises ClcapError if an id stands for different images in the two files.
    """
    try:
        stored = _checked_names(captions, features)
    except ClcapError as error:
        raise ClcapError(f"{error}; give features of the images of {captions.path}") from error
    return _by_caption_ids(captions, features, stored)


def _checked_names(captions: Captions, features: Features) -> dict[ImageId, str]:
    """The stored file names; raises ClcapError if an id stands for different images in the two files."""
    stored = features.names_to_match(captions.image_ids)
    for id, name in zip(captions.image_ids, captions.file_names, strict=True):
        if not is_same_name(stored.get(id, name), name):
            raise ClcapError(
                f"{features.path} and {captions.path} have different images: image {id} is {stored[id]} in the first "
                f"and {name} in the second"
            )
    return stored


def _by_caption_ids(captions: Captions, features: Features, stored: dict[ImageId, str]) -> Features:
    listed = dict(zip(captions.image_ids, captions.file_names, strict=True))
    matching = match_images(stored, listed, (str(features.path), str(captions.path)))
    renamed = {id: way for id, way in matching.ways.items() if matching.pairs[id] != id}
    if not renamed:
        return features
    print_info(f"{features.path}: matched {describe_ways(Counter(renamed.values()))} of {captions.path}")
    return features.with_ids([matching.pairs.get(id, id) for id in features.ids])


def check_backbone(checkpoint: Checkpoint, backbone: FeatureInfo, source: str) -> None:
    """Raise ClcapError unless ``backbone``, which computed the features of ``source``, is that of the checkpoint."""
    different = checkpoint.backbone.differences(backbone)
    if different:
        name = different[0]
        raise ClcapError(
            f"{source} does not come from the backbone that {checkpoint.path} expects: its {name} is "
            f"{getattr(backbone, name, 'unknown')}, expected {getattr(checkpoint.backbone, name)}"
        )


def check_tokenizer(checkpoint: Checkpoint, tokenizer: Tokenizer, source: Path) -> None:
    """Raise ClcapError unless ``tokenizer``, read from ``source``, is the checkpoint's."""
    expected = checkpoint.tokenizer
    if expected == tokenizer:
        return
    if isinstance(expected, WordTokenizer) and isinstance(tokenizer, WordTokenizer):
        if expected.segmenter != tokenizer.segmenter:
            raise ClcapError(
                f"{source} and {checkpoint.path} come from captions that were split with --tokenize "
                f"{tokenizer.segmenter.name} and --tokenize {expected.segmenter.name}; both must come from the same "
                "prepare-captions"
            )
        raise ClcapError(
            f"{source} and {checkpoint.path} have different vocabularies ({len(tokenizer.words)} and "
            f"{len(expected.words)} words); both must come from the same prepare-captions"
        )
    raise ClcapError(
        f"{source} and {checkpoint.path} have different tokenizers ({tokenizer.size} and {expected.size} tokens); "
        "train both with the same one"
    )
