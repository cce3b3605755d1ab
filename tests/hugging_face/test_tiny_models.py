"""The tiny captioners of the tests are complete folders, which transformers loads without their code or a network."""

from pathlib import Path

import pytest
import torch
import transformers

from tests.hugging_face.tiny_models import FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
def test_transformers_loads_and_captions(tiny_captioners: Path, family: str) -> None:
    folder = tiny_captioners / family
    model, report = transformers.AutoModelForImageTextToText.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values())
    assert model.config.model_type == family
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    pixels = processor(torch.randint(0, 255, (3, 40, 50), dtype=torch.uint8), return_tensors="pt")["pixel_values"]
    assert pixels.shape == (1, 3, 32, 32)
    assert model.eval().generate(pixel_values=pixels, max_new_tokens=4).shape[0] == 1
    assert transformers.AutoTokenizer.from_pretrained(folder)("red")["input_ids"] != []
