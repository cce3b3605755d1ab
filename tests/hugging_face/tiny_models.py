"""Tiny captioners of Hugging Face with random weights, in folders, whose tokens are words."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

UNUSED_LOGITS = 3
"""Number of logits without a token, as in models whose vocabulary is padded to a multiple of 64."""
MAX_POSITIONS = 64
"""Number of positions of the text part."""
BERT_TOKENS = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
GPT2_TOKENS = dict.fromkeys(("bos_token", "eos_token", "pad_token"), "<|endoftext|>") | {"unk_token": "<unk>"}
BLIP_START = "[DEC]"
"""BLIP's first token, which its tokenizer does not put before a text."""


def save_tiny(
    family: str,
    folder: Path,
    words: Sequence[str],
    image_size: int = 32,
    hidden_size: int = 32,
    vision_hidden_size: int = 32,
    layers: int = 2,
    seed: int = 0,
) -> Path:
    """Write a captioner of a family of ``FAMILIES`` that knows ``words``, with its image processor and tokenizer."""
    text = {"hidden_size": hidden_size, "num_hidden_layers": layers, "num_attention_heads": 2}
    vision = {**text, "hidden_size": vision_hidden_size, "image_size": image_size, "patch_size": image_size // 4}
    build, processor, special = FAMILIES[family]
    tokenizer = word_tokenizer(words, special)
    torch.manual_seed(seed)
    model = build(text, {**vision, "intermediate_size": 2 * vision_hidden_size}, tokenizer)
    for weights in model.parameters():
        if weights.dim() > 1:  # with the usual small weights, ln p would hardly depend on the image
            torch.nn.init.normal_(weights, std=0.2)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    processor(size={"height": image_size, "width": image_size}, do_center_crop=False).save_pretrained(folder)
    return folder


def word_tokenizer(words: Sequence[str], special: Mapping[str, str]) -> transformers.PreTrainedTokenizerFast:
    """A tokenizer of words, with the special tokens first."""
    names = dict.fromkeys([*special.values(), *words])
    pipeline = Tokenizer(WordLevel({name: id for id, name in enumerate(names)}, unk_token=special["unk_token"]))
    pipeline.pre_tokenizer = Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=pipeline, **special)
    if special is BERT_TOKENS:
        tokenizer.add_special_tokens({"additional_special_tokens": [BLIP_START]})
    return tokenizer


def vit_gpt2(text: Mapping[str, int], vision: Mapping[str, int], tokenizer: Any) -> torch.nn.Module:
    """A ViT-GPT2, in which one token is the start, the end and the padding."""
    sizes = {"n_embd": text["hidden_size"], "n_layer": text["num_hidden_layers"], "n_head": 2}
    special = {"bos_token_id": tokenizer.eos_token_id, "eos_token_id": tokenizer.eos_token_id}
    decoder = transformers.GPT2Config(
        **sizes, **special, n_positions=MAX_POSITIONS, vocab_size=len(tokenizer) + UNUSED_LOGITS
    )
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        transformers.ViTConfig(**vision), decoder
    )
    config.decoder_start_token_id = config.pad_token_id = config.eos_token_id = tokenizer.eos_token_id
    return transformers.VisionEncoderDecoderModel(config)


def blip(text: Mapping[str, int], vision: Mapping[str, int], tokenizer: Any) -> torch.nn.Module:
    """A BLIP, whose first token is ``BLIP_START``."""
    special = {"bos_token_id": tokenizer.convert_tokens_to_ids(BLIP_START), "pad_token_id": tokenizer.pad_token_id}
    ends = {"eos_token_id": tokenizer.sep_token_id, "sep_token_id": tokenizer.sep_token_id}
    config = transformers.BlipConfig(text_config={**_bert(text, tokenizer), **special, **ends}, vision_config=vision)
    return transformers.BlipForConditionalGeneration(config)


def git(text: Mapping[str, int], vision: Mapping[str, int], tokenizer: Any) -> torch.nn.Module:
    """A GIT, whose captions begin with [CLS] and end with [SEP]."""
    special = {"bos_token_id": tokenizer.cls_token_id, "eos_token_id": tokenizer.sep_token_id}
    config = transformers.GitConfig(**_bert(text, tokenizer), **special, vision_config=vision)
    return transformers.GitForCausalLM(config)


def _bert(text: Mapping[str, int], tokenizer: Any) -> dict[str, int]:
    sizes = {"intermediate_size": 2 * text["hidden_size"], "max_position_embeddings": MAX_POSITIONS}
    return {**text, **sizes, "vocab_size": len(tokenizer) + UNUSED_LOGITS}


FAMILIES: dict[str, tuple[Callable[..., Any], Any, Mapping[str, str]]] = {
    "vision-encoder-decoder": (vit_gpt2, transformers.ViTImageProcessor, GPT2_TOKENS),
    "blip": (blip, transformers.BlipImageProcessor, BERT_TOKENS),
    "git": (git, transformers.CLIPImageProcessor, BERT_TOKENS),
}
"""How each family's model is built, its image processor and its special tokens."""
