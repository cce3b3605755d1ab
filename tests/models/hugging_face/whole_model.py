"""A captioner of Hugging Face beside its text part in clcap, with equal weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor

from clcap_cli.models.hugging_face.captioner import HuggingFaceCaptioner
from clcap_cli.models.hugging_face.config import HuggingFaceConfig
from clcap_cli.models.registry import build_model
from clcap_cli.models.rows import ImageFeatures
from tests.hugging_face.tiny_models import MAX_POSITIONS

IMAGE_SIZE = 32
ENCODERS = {
    "vision-encoder-decoder": lambda model: model.encoder,
    "blip": lambda model: model.vision_model,
    "git": lambda model: model.git.image_encoder,
}
LONGEST = 12


@dataclass(frozen=True)
class WholeModel:
    """The model of the library, and clcap's text part of it, both in evaluation mode."""

    family: str
    model: Any
    text_part: HuggingFaceCaptioner

    def features(self, pixels: Tensor) -> ImageFeatures:
        """What the image encoder computes from ``pixels`` (N, 3, size, size)."""
        with torch.no_grad():
            grid = ENCODERS[self.family](self.model)(pixels).last_hidden_state
        return ImageFeatures(grid[:, 0], grid)

    def logits(self, pixels: Tensor, tokens: Tensor) -> Tensor:
        """The library's logits (N, T, V) after each token (N, T), by its direct call."""
        if self.family == "git":
            return self.model(input_ids=tokens, pixel_values=pixels).logits[:, -tokens.shape[1] :]
        if self.family == "blip":
            hidden = self.model.vision_model(pixels).last_hidden_state
            return self.model.text_decoder(tokens, encoder_hidden_states=hidden).logits
        return self.model(pixel_values=pixels, decoder_input_ids=tokens).logits

    def generate(self, pixels: Tensor, before: list[int], **options: Any) -> Any:
        """The library's captions, which follow the tokens ``before``."""
        ids = torch.tensor([before]).expand(len(pixels), -1)
        end = {"eos_token_id": self.text_part.config.end_token, "pad_token_id": self.text_part.config.end_token}
        if self.family == "blip":  # removes the last token, which its tokenizer adds, and knows the end
            closed = torch.cat([ids, torch.full_like(ids[:, :1], end["eos_token_id"])], dim=1)
            return self.model.generate(pixel_values=pixels, input_ids=closed, **options)
        name = "input_ids" if self.family == "git" else "decoder_input_ids"
        return self.model.generate(pixel_values=pixels, **{name: ids}, **end, **options)

    def log_probs(self, pixels: Tensor, captions: list[list[int]], image_index: list[int]) -> Tensor:
        """ln p of captions, one at a time, from the library's logits."""
        config, found = self.text_part.config, []
        for caption, image in zip(captions, image_index, strict=True):
            before = [*config.prompt, config.start_token]
            logits = self.logits(pixels[image : image + 1], torch.tensor([[*before, *caption]]))[0]
            targets = torch.tensor([*caption, config.end_token])
            log_probs = logits[len(config.prompt) :].log_softmax(1)
            found.append(log_probs.gather(1, targets.unsqueeze(1)).sum())
        return torch.stack(found)


def open_whole(family: str, folder: Path, prompt: tuple[int, ...] = (), **changes: Any) -> WholeModel:
    """Open a folder of ``save_tiny``; with a ``prompt``, captions are its continuations."""
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder, **changes).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    start, end = _start_and_end(family, model, tokenizer)
    before = (start, *prompt)
    with torch.no_grad():
        hidden = ENCODERS[family](model)(torch.zeros(1, 3, IMAGE_SIZE, IMAGE_SIZE)).last_hidden_state
    config = HuggingFaceConfig(
        vocabulary_size=model.config.get_text_config(decoder=True).vocab_size,
        start_token=before[-1],
        end_token=end,
        max_length=LONGEST,
        pooled_channels=hidden.shape[2],
        grid_channels=hidden.shape[2],
        regions=hidden.shape[1],
        positions=MAX_POSITIONS,
        architecture=model.config.to_dict(),
        prompt=before[:-1],
    )
    text_part: Any = build_model(family, config)
    weights = {f"network.{name}": value for name, value in model.state_dict().items()}
    text_part.load_state_dict({name: weights[name] for name in text_part.state_dict()})
    return WholeModel(family, model, text_part.eval())


def _start_and_end(family: str, model: Any, tokenizer: Any) -> tuple[int, int]:
    if family == "vision-encoder-decoder":
        return model.config.decoder_start_token_id, tokenizer.eos_token_id
    if family == "blip":
        return model.config.text_config.bos_token_id, tokenizer.sep_token_id
    return tokenizer.cls_token_id, tokenizer.sep_token_id
