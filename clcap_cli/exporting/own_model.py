"""Export of clcap's own captioners: weights, configuration, and a loader in the model card that needs PyTorch only."""

import json
from dataclasses import asdict

from torch import Tensor

from clcap_cli import __version__
from clcap_cli.artifacts.checkpoints import Checkpoint
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.errors import ClcapError
from clcap_cli.exporting.card import model_card, render
from clcap_cli.exporting.detokenisation import Detokenisation, detokenisation_of
from clcap_cli.exporting.folder import CARD, WEIGHTS, Export

MODELS = ("neuraltalk2", "adaptive-attention", "transformer")
"""Models with a loader in ``template/``."""
ENCODER = "encoder.safetensors"


def export_own_model(checkpoint: Checkpoint, origin: Origin) -> Export:
    """The files of a captioner of clcap; raises ClcapError for a model of a package."""
    if checkpoint.model not in MODELS:
        raise ClcapError(
            f"{checkpoint.path} has a model '{checkpoint.model}' of a package, which export-captioner cannot rebuild "
            f"without clcap; it exports {', '.join(MODELS)}"
        )
    words = detokenisation_of(checkpoint.tokenizer)
    loader = render("loader.py.j2", model=checkpoint.model, join=words.join)
    usage = render("own_usage.md.j2", loader=loader, checkpoint=checkpoint, packages=_packages(words.join))
    texts = {
        CARD: model_card(checkpoint, origin, "clcap", usage),
        "config.json": json.dumps(_config(checkpoint, words), ensure_ascii=False, indent=1) + "\n",
        **({"tokenizer.json": words.tokenizer_json} if words.tokenizer_json else {}),
    }
    return Export({WEIGHTS: checkpoint.weights, **_encoder_weights(checkpoint)}, texts)


def _encoder_weights(checkpoint: Checkpoint) -> dict[str, dict[str, Tensor]]:
    """The file of the image encoder, if the checkpoint holds one, with timm's names of its weights."""
    if checkpoint.encoder is None:
        return {}
    return {ENCODER: {name.removeprefix("network."): value for name, value in checkpoint.encoder.weights.items()}}


def _config(checkpoint: Checkpoint, words: Detokenisation) -> dict[str, object]:
    return {
        "library_name": "clcap",
        "clcap_version": __version__,
        "model": checkpoint.model,
        **asdict(checkpoint.config),
        "never_generated": list(checkpoint.tokenizer.never_generated),
        "backbone": checkpoint.backbone.model_dump(mode="json"),
        **({"encoder": checkpoint.encoder.architecture} if checkpoint.encoder else {}),
        **({"vocabulary": words.vocabulary} if words.vocabulary else {}),
    }


def _packages(join: str) -> list[str]:
    """The packages that the loader needs besides PyTorch and safetensors."""
    return [package for package, used in (("regex", "regex."), ("tokenizers", "Tokenizer")) if used in join]
