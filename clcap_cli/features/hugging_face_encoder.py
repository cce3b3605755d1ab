"""Image encoders of Hugging Face, with the image processor that their model came with."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from PIL import Image
from pydantic import JsonValue
from torch import Tensor

from clcap_cli.errors import ClcapError
from clcap_cli.extras import import_optional
from clcap_cli.features.encoder import ImageEncoder
from clcap_cli.hub_code import check_own_code

KIND = "huggingface"
NEEDED_BY = "an image encoder of Hugging Face"
NETWORKS = {
    "beit": "BeitModel",
    "blip_vision_model": "BlipVisionModel",
    "clip_vision_model": "CLIPVisionModel",
    "data2vec-vision": "Data2VecVisionModel",
    "deit": "DeiTModel",
    "dinov2": "Dinov2Model",
    "dinov2_with_registers": "Dinov2WithRegistersModel",
    "dinov3_vit": "DINOv3ViTModel",
    "donut-swin": "DonutSwinModel",
    "git_vision_model": "GitVisionModel",
    "siglip_vision_model": "SiglipVisionModel",
    "swin": "SwinModel",
    "swinv2": "Swinv2Model",
    "vit": "ViTModel",
}
"""The class of transformers for each type of network, none of which downloads or runs anything else."""
CLASS_TOKENS = ("cls_token", "class_embedding")
"""Last parts of the names of the weights of class tokens."""


class HuggingFaceEncoder(ImageEncoder):
    """A vision transformer of Hugging Face; its grid is the last hidden state, with the class token if it has one.

    The pooled vector is the class token, or the mean of all tokens: the vector of transformers' pooler is not used,
    because captioners do not train it.
    """

    def __init__(self, config: Mapping[str, JsonValue], processor: Mapping[str, JsonValue], weights: str = "random"):
        """Create the network of a configuration with random weights.

        ``config`` is the configuration of a network of ``NETWORKS``, ``processor`` that of its image processor, and
        ``weights`` the origin of the weights that it will get.

        Raises ClcapError if transformers is not installed, and for networks and image processors that clcap does not
        use.
        """
        super().__init__()
        self.network, self.weights = _network(dict(config)), weights
        names = [name for name, _ in self.network.named_parameters()]
        self.has_class_token = any(name.endswith(CLASS_TOKENS) for name in names)
        self.processor = dict(processor)
        self._image_processor = image_processor(processor)
        self.preprocessing = _preprocessing(self._image_processor)
        self.architecture: dict[str, JsonValue] = {
            "kind": KIND,
            "name": str(config["model_type"]),
            "config": dict(config),
            "processor": self.processor,
        }

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See ImageEncoder."""
        grid = self.network(pixel_values=images).last_hidden_state
        return grid[:, 0] if self.has_class_token else grid.mean(1), grid

    @property
    def transform(self) -> Callable[[Image.Image], Tensor]:
        """See ImageEncoder; exactly the pixels that the image processor normalises."""
        return partial(_pixels, self._image_processor)

    def inputs(self, image: Image.Image) -> Tensor:
        """The normalised input (1, 3, size, size) that the image processor makes of an RGB image."""
        return self._image_processor(image, return_tensors="pt")["pixel_values"]


def image_processor(config: Mapping[str, JsonValue]) -> Any:
    """The image processor of transformers that a configuration describes.

    Raises ClcapError if transformers has none of this kind, or if it makes no square inputs of one size.
    """
    kind = str(config.get("image_processor_type"))
    with _errors_of_transformers(f"the configuration of its image processor ({kind})"):
        processor = _processor_class(kind).from_dict(dict(config))
        shapes = {tuple(_pixels(processor, Image.new("RGB", size)).shape) for size in PROBE_SIZES}
        _check_values(processor)
    if len(shapes) > 1 or (shape := shapes.pop())[0] != 3 or shape[1] != shape[2]:
        raise ClcapError(f"its image processor ({kind}) does not make square inputs of one size, which clcap needs")
    return processor


def _processor_class(kind: str) -> Any:
    transformers = import_optional("transformers", NEEDED_BY)
    found = getattr(transformers, kind, None)
    if isinstance(found, type) and issubclass(found, transformers.image_processing_utils.BaseImageProcessor):
        return found
    raise ClcapError(f"transformers {transformers.__version__} has no image processor '{kind}'")


PROBE_SIZES = ((97, 61), (61, 97))
"""Width and height of images that show which inputs an image processor makes."""


def _pixels(processor: Any, image: Image.Image) -> Tensor:
    """(3, height, width) uint8: what an image processor makes of an RGB image before it normalises values."""
    return processor(image, do_rescale=False, do_normalize=False, return_tensors="pt")["pixel_values"][0]


def _preprocessing(processor: Any) -> dict[str, Any]:
    """What an image processor does, as arguments of timm's ``create_transform``; its JSON says more."""
    # Values are v * scale, and normalised (v * scale - mean) / std; clcap has v / 255 instead of v * scale.
    scale = 255 * (processor.rescale_factor if processor.do_rescale else 1)
    mean, std = (processor.image_mean, processor.image_std) if processor.do_normalize else ((0, 0, 0), (1, 1, 1))
    return {
        "input_size": tuple(_pixels(processor, Image.new("RGB", PROBE_SIZES[0])).shape),
        "mean": tuple(value / scale for value in mean),
        "std": tuple(value / scale for value in std),
        "interpolation": Image.Resampling(processor.resample).name.lower(),
        "crop_pct": 1.0,
    }


def _check_values(processor: Any) -> None:
    """Raise ClcapError unless mean, standard deviation and factor are such that inputs are finite numbers."""
    found = _preprocessing(processor)
    values = [*found["mean"], *found["std"]]
    if len(values) != 6 or not all(map(math.isfinite, values)) or not all(found["std"]):
        raise ClcapError(
            "its image processor needs image_mean and image_std of 3 numbers each, without zeros in image_std; "
            f"they are {processor.image_mean} and {processor.image_std}"
        )


def _network(config: dict[str, Any]) -> Any:
    transformers = import_optional("transformers", NEEDED_BY)
    kind = config.get("model_type")
    if kind not in NETWORKS:
        raise ClcapError(f"image encoders of the type '{kind}' are not supported; supported: {', '.join(NETWORKS)}")
    check_own_code("its image encoder", config)
    with _errors_of_transformers(f"the configuration of its image encoder ({kind})"):
        sizes = {name: value for name, value in config.items() if name != "model_type"}
        return getattr(transformers, NETWORKS[kind])(transformers.AutoConfig.for_model(kind, **sizes))


@contextmanager
def _errors_of_transformers(what: str) -> Iterator[None]:
    """Turn every error in the block, which is about a configuration, into a ClcapError."""
    try:
        yield
    except ClcapError:
        raise
    except Exception as error:  # invalid values make the library raise nearly any error
        reason = " ".join((str(error) or type(error).__name__).split())
        raise ClcapError(f"{what} is invalid: {reason}") from error
