"""Backbones by name, with the preprocessing that belongs to each: timm's networks, and those of installed packages.

A package offers a network by an entry point of the group ``clcap.backbones``, which leads to a class derived from
ImageEncoder. It is called with the weights (None for its own, 'random', or a state dict file) and with the image size
in pixels (None for its own).
"""

from dataclasses import dataclass

import timm
import torch
from timm.data import create_transform
from torch import Tensor
from torchvision.transforms import Compose
from torchvision.transforms.functional import normalize

from clcap_cli.artifacts.feature_info import BackboneInfo
from clcap_cli.digests import digest
from clcap_cli.errors import ClcapError, unknown_name_error
from clcap_cli.features.encoder import ImageEncoder
from clcap_cli.features.timm_encoder import TimmEncoder
from clcap_cli.registry import Registry

BACKBONES: Registry[type[ImageEncoder]] = Registry(
    "backbone", "clcap.backbones", {}, base_class="clcap_cli.features.encoder:ImageEncoder"
)
"""Those of packages; all other names are timm's."""


@dataclass(frozen=True)
class Backbone:
    """A network, what is recorded of it, and the preprocessing that belongs to it."""

    info: BackboneInfo
    network: ImageEncoder
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
        pooled, grid = self.network(images)
        return pooled, grid


def load_backbone(name: str, weights: str | None, image_size: int | None, device: torch.device) -> Backbone:
    """Build a network for feature extraction.

    ``weights`` is None for the backbone's own (the default backbone's come with clcap, other networks of timm have
    theirs from its cache or the network), 'random' for a test, or a state dict file (.pth, .safetensors).

    Raises ClcapError for an unknown name and for weights that cannot be had or do not fit.
    """
    network = _build_encoder(name, weights, image_size).eval().to(device).to(memory_format=torch.channels_last)
    config = dict(network.preprocessing)
    size = image_size or config["input_size"][1]
    config["input_size"] = (3, size, size)
    pooled, grid = _probe_output(network, size, device)
    info = BackboneInfo(
        name=name,
        weights=network.weights,
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


def _build_encoder(name: str, weights: str | None, image_size: int | None) -> ImageEncoder:
    if name in BACKBONES.names:
        return BACKBONES.get(name)(weights, image_size)
    if not timm.is_model(name.split(".")[0]):
        raise unknown_name_error("backbone", name, [*BACKBONES.names, *timm.list_models()])
    return TimmEncoder(name, weights, image_size)


def _probe_output(network: ImageEncoder, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    with torch.inference_mode():
        try:
            pooled, grid = network(torch.zeros(1, 3, size, size, device=device))
            return pooled, grid
        except Exception as error:  # each family of networks has its own way to refuse
            raise ClcapError(
                f"this backbone cannot make a grid of features from images of {size} pixels: {error}"
            ) from error
