"""Image encoders of Hugging Face give what the whole models compute, from the pixels of their own image processors."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from clcap_cli.errors import ClcapError
from clcap_cli.features.backbone import Backbone, make_backbone
from clcap_cli.features.hugging_face_encoder import HuggingFaceEncoder
from clcap_cli.features.saved_encoder import KINDS, as_saved
from clcap_cli.hugging_face.pretrained import open_pretrained
from tests.hugging_face.tiny_models import FAMILIES

CPU = torch.device("cpu")


def photo(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request: pytest.FixtureRequest, tiny_captioners: Path) -> Path:
    return tiny_captioners / request.param


@pytest.fixture(scope="module")
def encoder(folder: Path) -> HuggingFaceEncoder:
    return open_pretrained(folder).encoder()


@pytest.fixture(scope="module")
def backbone(encoder: HuggingFaceEncoder) -> Backbone:
    return make_backbone(encoder, CPU)


def test_the_grid_is_the_last_hidden_state(folder: Path, backbone: Backbone) -> None:
    images = [photo(50, 40), photo(31, 77)]
    pooled, grid = backbone.features(torch.stack([backbone.transform(image) for image in images]))
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder).eval()
    pixels = transformers.AutoImageProcessor.from_pretrained(folder)(images, return_tensors="pt")["pixel_values"]
    vision = getattr(model, "encoder", None) or getattr(model, "vision_model", None) or model.git.image_encoder
    expected = vision(pixel_values=pixels).last_hidden_state
    torch.testing.assert_close(grid, expected, atol=1e-5, rtol=0)
    assert (backbone.info.regions, backbone.info.grid_channels) == tuple(grid.shape[1:])
    torch.testing.assert_close(pooled, grid[:, 0])


def test_pixels_are_those_of_the_image_processor(folder: Path, backbone: Backbone) -> None:
    """Also of a large JPEG, which is decoded at its full size, because the processor resizes it in its own way."""
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    image = photo(640, 480)
    expected = processor(image, return_tensors="pt")["pixel_values"][0]
    info = backbone.info
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (info.mean, info.std))
    torch.testing.assert_close((backbone.transform(image) / 255 - mean) / std, expected, atol=1e-5, rtol=0)
    assert backbone.transform(image).dtype == torch.uint8
    assert info.resized_to is None


def test_a_saved_encoder_is_built_again(encoder: HuggingFaceEncoder, backbone: Backbone, tmp_path: Path) -> None:
    saved = as_saved(encoder)
    again = KINDS["huggingface"](saved.architecture, tmp_path)
    again.load_state_dict(saved.weights)
    again.weights = encoder.weights
    assert make_backbone(again, CPU).info == backbone.info
    pixels = backbone.transform(photo(40, 40)).unsqueeze(0)
    assert torch.equal(make_backbone(again, CPU)(pixels)[1], backbone(pixels)[1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"do_rescale": False}, ""),
        ({"do_normalize": False}, ""),
        ({"rescale_factor": 1 / 127.5}, ""),
        ({"size": {"shortest_edge": 32}}, "does not make square inputs of one size, which clcap needs"),
        ({"size": {"shortest_edge": 32}, "do_center_crop": True, "crop_size": {"height": 32, "width": 32}}, ""),
        ({"size": {"height": 32, "width": 48}}, "does not make square inputs of one size"),
        ({"rescale_factor": 0}, "the configuration of its image processor"),
        ({"image_std": [0, 0, 0]}, "needs image_mean and image_std of 3 numbers each, without zeros in image_std"),
        ({"image_mean": [0.5]}, "needs image_mean and image_std of 3 numbers each, without zeros in image_std"),
        ({"image_mean": [0.5, "x", 0.5]}, "the configuration of its image processor"),
        ({"size": "large"}, "the configuration of its image processor"),
        ({"image_processor_type": "GPT2Tokenizer"}, r"has no image processor 'GPT2Tokenizer'"),
    ],
)
def test_settings_of_image_processors(tiny_captioners: Path, changes: dict, message: str) -> None:
    """Each kind of normalisation is computed as the processor does, and other shapes are refused."""
    pretrained = open_pretrained(tiny_captioners / "git")
    vision, config = pretrained.encoder().architecture["config"], {**pretrained.processor, **changes}
    if message:
        with pytest.raises(ClcapError, match=message):
            HuggingFaceEncoder(vision, config)
        return
    backbone = make_backbone(HuggingFaceEncoder(vision, config), CPU)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (backbone.info.mean, backbone.info.std))
    image = photo(50, 40)
    expected = transformers.CLIPImageProcessor.from_dict(config)(image, return_tensors="pt")["pixel_values"][0]
    found = (backbone.transform(image) / 255 - mean) / std
    torch.testing.assert_close(found, expected.float(), atol=1e-4, rtol=1e-5)


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(ClcapError, match=r"image encoders of the type 'bert' are not supported; supported: beit, "):
        HuggingFaceEncoder({"model_type": "bert"}, {})


def test_sizes_that_do_not_fit_are_refused(tiny_captioners: Path) -> None:
    encoder = open_pretrained(tiny_captioners / "git").encoder()
    larger = {**encoder.processor, "size": {"height": 64, "width": 64}, "crop_size": {"height": 64, "width": 64}}
    with pytest.raises(ClcapError, match="cannot compute grid features of images of 64 pixels"):
        make_backbone(HuggingFaceEncoder(encoder.architecture["config"], larger), CPU)
