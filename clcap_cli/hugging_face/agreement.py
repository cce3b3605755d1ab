"""Whether an imported captioner computes what the pretrained one does."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from clcap_cli.errors import ClcapError
from clcap_cli.hugging_face.importing import ImportedCaptioner
from clcap_cli.hugging_face.pretrained import Pretrained
from clcap_cli.models.rows import ImageFeatures

TOLERANCE = 1e-4
"""Largest accepted difference in ln p, or in ln p relative to its size if that is above 1."""
SIDES = (97, 61)
"""Width and height of the image of the comparison."""


@torch.inference_mode()
def check_agreement(pretrained: Pretrained, imported: ImportedCaptioner, caption: Sequence[int]) -> None:
    """Raise ClcapError unless both give a caption of an image the same ln p, the image's preprocessing included."""
    image = _probe_image()
    found, expected = _log_prob(imported, image, caption), _pretrained_log_prob(pretrained, imported, image, caption)
    if not abs(found - expected) <= TOLERANCE * max(1, abs(expected)):
        raise ClcapError(
            f"{pretrained.folder} cannot be imported: the ln p of a caption is {found:.6f} in clcap and {expected:.6f} "
            "in transformers; clcap does not know an option of its config.json"
        )


def _probe_image() -> Image.Image:
    """An image with smooth colours, which differs at each of its pixels."""
    x, y = np.meshgrid(*(np.linspace(0, 255, side) for side in SIDES))
    return Image.fromarray(np.stack([x, y, (x + y) / 2], axis=2).astype(np.uint8))


def _log_prob(imported: ImportedCaptioner, image: Image.Image, caption: Sequence[int]) -> float:
    pooled, grid = imported.backbone.features(imported.backbone.transform(image).unsqueeze(0))
    tokens, index = torch.tensor([list(caption)], dtype=torch.int64), torch.zeros(1, dtype=torch.int64)
    return float(imported.captioner(ImageFeatures(pooled, grid), tokens, index + len(caption), index))


def _pretrained_log_prob(
    pretrained: Pretrained, imported: ImportedCaptioner, image: Image.Image, caption: Sequence[int]
) -> float:
    """ln p by one call of the whole model of transformers, with its own image processor."""
    pixels = imported.encoder.inputs(image)
    config = imported.captioner.config
    before = [*config.prompt, config.start_token]
    logits = _logits(pretrained.family, pretrained.model, pixels, torch.tensor([[*before, *caption]]))
    log_probs = logits[0, len(config.prompt) :].log_softmax(1)
    targets = torch.tensor([*caption, config.end_token])
    return float(log_probs.gather(1, targets.unsqueeze(1)).sum())


def _logits(family: str, model: Any, pixels: Tensor, tokens: Tensor) -> Tensor:
    """(1, T, V) the logits after each of ``tokens`` (1, T)."""
    name = "decoder_input_ids" if family == "vision-encoder-decoder" else "input_ids"
    # The logits of some models begin with those of the image tokens.
    return model(pixel_values=pixels, **{name: tokens}).logits[:, -tokens.shape[1] :]
