"""Backbones and their preprocessing by name: networks of timm and of installed packages.

A package adds a backbone by an entry point of the group ``clcap.backbones`` for a class derived from ImageEncoder. The
class is called with the weights (None for its default, 'random', or a state dict file) and the image size in pixels
(None for its default).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from clcap_cli.artifacts.feature_info import BackboneInfo
from clcap_cli.digests import digest
from clcap_cli.errors import ClcapError, unknown_name_error
from clcap_cli.features.encoder import ImageEncoder
from clcap_cli.features.folding import recorded_pairs, with_folded_norms
from clcap_cli.features.hugging_face_encoder import NETWORKS
from clcap_cli.registry import Registry

BACKBONES: Registry[type[ImageEncoder]] = Registry(
    "backbone", "clcap.backbones", {}, base_class="clcap_cli.features.encoder:ImageEncoder"
)
"""Backbones of installed packages; all other names are networks of timm."""


@dataclass(frozen=True)
class Backbone:
    """A network with its record and its preprocessing."""

    info: BackboneInfo
    network: ImageEncoder
    transform: Callable[[Image.Image], Tensor]
    """Preprocessing of an RGB image to (3, size, size) uint8."""

    @property
    def preprocessing(self) -> dict[str, Any]:
        """What ``transform`` depends on."""
        return self.info.model_dump(include={"image_size", "interpolation", "crop_pct", "processor"})

    @property
    def device(self) -> torch.device:
        """Device of the network."""
        return next(self.network.parameters()).device

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features of images (B, 3, size, size) uint8: pooled (B, C) and grid (B, regions, C'), float16 on the CPU."""
        pooled, grid = self.features(images)
        return pooled.half().cpu(), grid.half().cpu()

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Like ``__call__``, but in float32 on the network's device, and with gradients if they are enabled."""
        images = images.to(self.device, memory_format=torch.channels_last).float().div_(255)
        from torchvision.transforms.functional import normalize

        normalize(images, list(self.info.mean), list(self.info.std), inplace=True)
        pooled, grid = self.network(images)
        return pooled, grid


def load_backbone(
    name: str, weights: str | None, image_size: int | None, device: torch.device, trainable: bool = False
) -> Backbone:
    """Build a network for feature extraction or, if ``trainable``, for training.

    ``weights`` is None for pretrained weights (those of the default backbone are installed with clcap, those of other
    networks are downloaded by timm), 'random' for tests, or a state dict file (.pth, .safetensors).

    Raises ClcapError for an unknown name and for weights that cannot be loaded or do not fit.
    """
    return make_backbone(build_encoder(name, weights, image_size), device, trainable)


def build_encoder(name: str, weights: str | None, image_size: int | None) -> ImageEncoder:
    """The network ``name`` of an installed package or of timm; parameters and errors as in ``load_backbone``."""
    if name in NETWORKS:
        raise ClcapError(
            f"the image encoder '{name}' is part of a captioner of Hugging Face; import that with clcap "
            "import-captioner, and give its checkpoint to extract-features --encoder"
        )
    is_of_package = name in BACKBONES.names
    import timm  # with PyTorch's compiler, which training from stored features does without

    from clcap_cli.features.timm_encoder import TimmEncoder

    if not is_of_package and not timm.is_model(name.split(".")[0]):
        raise unknown_name_error("backbone", name, [*BACKBONES.names, *timm.list_models()])
    make = BACKBONES.get(name) if is_of_package else partial(TimmEncoder, name)
    encoder = make(weights, image_size)
    size = image_size or encoder.preprocessing["input_size"][1]
    encoder.preprocessing = {**encoder.preprocessing, "input_size": (3, size, size)}
    encoder.architecture = {"kind": "package" if is_of_package else "timm", "name": name, "image_size": size}
    return encoder


def make_backbone(encoder: ImageEncoder, device: torch.device, trainable: bool = False) -> Backbone:
    """An encoder in evaluation mode with its record and preprocessing.

    Unless ``trainable``, the network may be a copy that computes the same features faster. Raises ClcapError if it
    cannot compute features.
    """
    network = encoder.eval() if trainable else encoder.eval().to(memory_format=torch.channels_last)
    config = encoder.preprocessing
    image = torch.linspace(-1, 1, math.prod(config["input_size"])).view(1, *config["input_size"])
    with recorded_pairs(network) as pairs:
        pooled, grid = _probe_output(network, image)
    info = BackboneInfo(
        name=str(encoder.architecture["name"]),
        weights=encoder.weights,
        weights_id=weights_id(encoder),
        image_size=config["input_size"][1],
        mean=config["mean"],
        std=config["std"],
        interpolation=config["interpolation"],
        crop_pct=config["crop_pct"],
        regions=grid.shape[1],
        grid_channels=grid.shape[2],
        pooled_channels=pooled.shape[1],
        processor=encoder.processor,
    )
    used = network if trainable else with_folded_norms(network, pairs, image, (pooled, grid))
    return Backbone(info, used.to(device), encoder.transform)


def weights_id(encoder: ImageEncoder) -> str:
    """Digest of the values of an encoder's weights."""
    return digest(value.cpu().numpy().tobytes() for value in encoder.state_dict().values())


def _probe_output(network: ImageEncoder, image: Tensor) -> tuple[Tensor, Tensor]:
    with torch.inference_mode():
        try:
            pooled, grid = network(image)
            return pooled, grid
        except Exception as error:  # every family of networks raises its own errors
            raise ClcapError(
                f"this backbone cannot compute grid features of images of {image.shape[-1]} pixels: {error}"
            ) from error
