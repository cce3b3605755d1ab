"""Checks that a checkpoint, captions and features fit together: same tokenizer, same backbone, same images."""

from pathlib import Path

from clcap_cli.artifacts.captions import Captions, open_captions
from clcap_cli.artifacts.checkpoints import Checkpoint
from clcap_cli.artifacts.feature_info import FeatureInfo
from clcap_cli.artifacts.features import Features, open_features
from clcap_cli.artifacts.lineage import find_input
from clcap_cli.errors import ClcapError
from clcap_cli.tokenizers.tokenizer import Tokenizer
from clcap_cli.tokenizers.words import WordTokenizer


def captions_for(checkpoint: Checkpoint, given: Path | None) -> Captions:
    """The captions that the checkpoint was trained on, or those at ``given``.

    Raises ClcapError if their vocabulary differs from the checkpoint's.
    """
    captions = open_captions(find_input(checkpoint, "captions", given, "--captions"))
    if isinstance(checkpoint.tokenizer, WordTokenizer):
        check_tokenizer(checkpoint, captions.tokenizer, captions.path)
    return captions


def features_for(
    checkpoint: Checkpoint, captions: Captions, given: Path | None, option: str = "--features"
) -> Features:
    """The features that the checkpoint was trained on, or those at ``given``, the value of ``option``.

    Raises ClcapError if they come from another backbone or from other images than ``captions``.
    """
    features = open_features(find_input(checkpoint, "features", given, option))
    check_backbone(checkpoint, features.backbone, str(features.path))
    check_images(captions, features)
    return features


def check_images(captions: Captions, features: Features) -> None:
    """Raise ClcapError if an id stands for different images in ``captions`` and ``features``."""
    names = dict(zip(features.ids, features.names, strict=True))
    for id, name in zip(captions.image_ids, captions.file_names, strict=True):
        if names.get(id, name) != name:
            raise ClcapError(
                f"{features.path} and {captions.path} have different images: image {id} is {names[id]} in the first "
                f"and {name} in the second; extract the features again"
            )


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
