"""A CLIP model of Hugging Face with its tokenizer and its preprocessing of images."""

from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from clcap_cli.compute.precision import full_precision
from clcap_cli.encoders.layout import CLIP, check_clip_folder
from clcap_cli.encoders.opening import LOCAL, check_vocabulary, identity, opening
from clcap_cli.errors import ClcapError
from clcap_cli.extras import import_optional


class ClipModel:
    """A CLIP model in fp32.

    Images are resized, cropped and normalised as the model's files say, with Pillow as in OpenAI's code.
    """

    def __init__(self, folder: Path, device: torch.device):
        """Open the model in ``folder``.

        Raises ClcapError if the folder has another kind of model, lacks files or weights, or is damaged.
        """
        check_clip_folder(folder)
        transformers = import_optional("transformers", CLIP)
        self.folder, self.device = folder, device
        with opening(folder, CLIP):
            model, report = transformers.CLIPModel.from_pretrained(
                folder, dtype=torch.float32, output_loading_info=True, **LOCAL
            )
            _check_complete(folder, report["missing_keys"])
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **LOCAL)
            check_vocabulary(folder, self._tokenizer, model.config.text_config.vocab_size)
            self._processor = transformers.CLIPImageProcessorPil.from_pretrained(folder, local_files_only=True)
        self._model = model.eval().to(device)
        self.max_tokens: int = model.config.text_config.max_position_embeddings

    @cached_property
    def signature(self) -> dict[str, str]:
        """The settings that the embeddings depend on."""
        size = self._processor.crop_size["height"]
        return {
            "encoder": identity(self.folder.resolve().name, self._model),
            "max tokens": str(self.max_tokens),
            "pixels": str(size),
            "impl": f"transformers-{version('transformers')}",
        }

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, including those of the start and the end."""
        return [len(ids) for ids in self._tokenizer(list(texts), verbose=False)["input_ids"]]

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """(texts, d) embeddings of any length; texts of more than ``max_tokens`` tokens are cut."""
        inputs = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt"
        )
        with torch.inference_mode(), full_precision():
            return self._model.get_text_features(**inputs.to(self.device)).pooler_output.cpu().numpy()

    def pixels_of(self, image: Image.Image) -> Tensor:
        """(3, size, size) input of the model for an RGB image."""
        return self._processor(image, return_tensors="pt")["pixel_values"][0]

    def embed_pixels(self, pixels: Tensor) -> np.ndarray:
        """(images, d) embeddings of any length, of inputs (images, 3, size, size)."""
        with torch.inference_mode(), full_precision():
            return self._model.get_image_features(pixels.to(self.device)).pooler_output.cpu().numpy()


def _check_complete(folder: Path, missing: Sequence[str]) -> None:
    if missing:
        raise ClcapError(f"{folder} lacks {len(missing)} of the model's weights, such as {min(missing)}")
