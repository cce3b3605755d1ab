"""A tiny CLIP model with random weights, in the layout of Hugging Face, and CLIPScore computed from it directly."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image

SIZE = 32
"""Side of the model's input in pixels."""
MAX_TOKENS = 40


LETTERS = "abcdefghijklmnopqrstuvwxyz.,'0123456789"
TOKENS = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]


def save_tiny_clip(folder: Path) -> Path:
    """Write the model to a folder."""
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {**small, "max_position_embeddings": MAX_TOKENS}
    model = build_clip(text, {**small, "image_size": SIZE, "patch_size": 8}, 12)
    torch.manual_seed(6)
    for weights in model.parameters():
        torch.nn.init.normal_(weights, std=0.5)  # with the usual small weights all embeddings would be nearly the same
    return save_clip(model, folder)


def build_clip(text: Mapping[str, int], vision: Mapping[str, int], projection: int) -> transformers.CLIPModel:
    """A CLIP model with random weights, whose tokens are characters; sizes that are not given are ViT-B/32's."""
    start, end = len(TOKENS) - 2, len(TOKENS) - 1
    known = {"vocab_size": len(TOKENS), "bos_token_id": start, "eos_token_id": end, "pad_token_id": end}
    config = transformers.CLIPConfig(text_config={**text, **known}, vision_config=vision, projection_dim=projection)
    return transformers.CLIPModel(config)


def save_clip(model: transformers.CLIPModel, folder: Path) -> Path:
    """Write a model of ``build_clip`` with its tokenizer and its preprocessing."""
    model.save_pretrained(folder)
    transformers.CLIPTokenizer(vocab={token: id for id, token in enumerate(TOKENS)}, merges=[]).save_pretrained(folder)
    side = model.config.vision_config.image_size
    crop = {"height": side, "width": side}
    transformers.CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size=crop).save_pretrained(folder)
    return folder


def direct_scores(folder: Path, image: Path, caption: str, references: Sequence[str]) -> tuple[float, float]:
    """CLIPScore and RefCLIPScore of one caption, by the formulas of the paper and one call of the whole model."""
    model = transformers.CLIPModel.from_pretrained(folder, dtype=torch.float32)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    texts = ["A photo depicts " + text for text in (caption, *references)]
    inputs = tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
    with torch.no_grad():
        output = model(**inputs, pixel_values=pixels_of(image))  # both embeddings have unit length
    caption_embedding, *reference_embeddings = output.text_embeds
    clip_score = 2.5 * max(float(output.image_embeds[0] @ caption_embedding), 0)
    closest = max(0.0, *(float(one @ caption_embedding) for one in reference_embeddings))
    total = clip_score + closest
    return clip_score, 2 * clip_score * closest / total if total else 0.0


def direct_logits(folder: Path, images: Sequence[Path], captions: Sequence[str]) -> np.ndarray:
    """(captions, images) the model's own scores of every caption with every image."""
    model = transformers.CLIPModel.from_pretrained(folder, dtype=torch.float32)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    texts = ["A photo depicts " + text for text in captions]
    inputs = tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
    with torch.no_grad():
        return model(**inputs, pixel_values=torch.cat([pixels_of(image) for image in images])).logits_per_text.numpy()


def pixels_of(path: Path) -> torch.Tensor:
    """(1, 3, SIZE, SIZE) an image as OpenAI's CLIP preprocesses it: shorter side to SIZE, centre crop, normalised."""
    image = Image.open(path).convert("RGB")
    scale = SIZE / min(image.size)
    image = image.resize((int(image.width * scale), int(image.height * scale)), Image.Resampling.BICUBIC)
    left, top = (image.width - SIZE) // 2, (image.height - SIZE) // 2
    values = np.asarray(image.crop((left, top, left + SIZE, top + SIZE)), dtype=np.float32) / 255
    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    normalised = (values - np.float32(mean)) / np.float32(std)
    return torch.from_numpy(normalised.transpose(2, 0, 1)[None].copy())
