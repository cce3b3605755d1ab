"""What a checkpoint works with: captions that its tokenizer can encode and features of its backbone."""

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
    """The captions that the checkpoint was made from, or ``given``.

    Raises ClcapError when they are of another vocabulary.
    """
    captions = open_captions(find_input(checkpoint, "captions", given, "--captions"))
    if isinstance(checkpoint.tokenizer, WordTokenizer):
        check_tokenizer(checkpoint, captions.tokenizer, captions.path)
    return captions


def features_for(
    checkpoint: Checkpoint, captions: Captions, given: Path | None, option: str = "--features"
) -> Features:
    """The features that the checkpoint was made from, or ``given`` with ``option``.

    Raises ClcapError when another backbone made them, or when they are of other images than ``captions``.
    """
    features = open_features(find_input(checkpoint, "features", given, option))
    check_backbone(checkpoint, features.backbone, str(features.path))
    check_images(captions, features)
    return features


def check_images(captions: Captions, features: Features) -> None:
    """Raise ClcapError when an id means one image in ``captions`` and another in ``features``."""
    names = dict(zip(features.ids, features.names, strict=True))
    for id, name in zip(captions.image_ids, captions.file_names, strict=True):
        if names.get(id, name) != name:
            raise ClcapError(
                f"{features.path} is of other images than {captions.path}: image {id} is {names[id]} there and {name} "
                "here; extract the features again"
            )


def check_backbone(checkpoint: Checkpoint, backbone: FeatureInfo, whose: str) -> None:
    """Raise ClcapError unless ``backbone``, of ``whose`` features, is the one that ``checkpoint`` expects."""
    different = checkpoint.backbone.differences(backbone)
    if different:
        name = different[0]
        raise ClcapError(
            f"{whose} was not made by the backbone that {checkpoint.path} expects: its {name} is "
            f"{getattr(backbone, name, 'not known')}, expected {getattr(checkpoint.backbone, name)}"
        )


def check_tokenizer(checkpoint: Checkpoint, tokenizer: Tokenizer, whose: Path) -> None:
    """Raise ClcapError unless ``tokenizer``, that of the file ``whose``, is the checkpoint's."""
    own = checkpoint.tokenizer
    if own == tokenizer:
        return
    if isinstance(own, WordTokenizer) and isinstance(tokenizer, WordTokenizer):
        raise ClcapError(
            f"{whose} and {checkpoint.path} have different vocabularies ({len(tokenizer.words)} and "
            f"{len(own.words)} words); both must come from the same prepare-captions"
        )
    raise ClcapError(
        f"{whose} and {checkpoint.path} have different tokenizers ({tokenizer.size} and {own.size} tokens); train both "
        "with the same one"
    )
