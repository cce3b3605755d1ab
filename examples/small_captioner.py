"""Writes a small captioner with random weights as Hugging Face saves them, which knows the words of captions.h5.

Usage: python examples/small_captioner.py FAMILY CAPTIONS FOLDER SEED, where FAMILY is vit-gpt2 or git
"""

import sys
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from clcap_cli.artifacts.captions import open_captions

IMAGE_SIZE, WIDTH = 96, 96
SPECIAL_TOKENS = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
SPECIAL_IDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
LAYERS = {"hidden_size": WIDTH, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 2 * WIDTH}
VISION = {**LAYERS, "image_size": IMAGE_SIZE, "patch_size": 16}


def word_tokenizer(words: list[str]) -> transformers.PreTrainedTokenizerFast:
    """A tokenizer with one token for each word."""
    ids = {token: id for id, token in enumerate([*SPECIAL_TOKENS.values(), *words])}
    pipeline = Tokenizer(models.WordLevel(ids, unk_token=SPECIAL_TOKENS["unk_token"]))
    pipeline.pre_tokenizer = pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=pipeline, **SPECIAL_TOKENS)


def vit_gpt2(size: int) -> transformers.PreTrainedModel:
    """A vision Transformer whose image tokens GPT-2 attends to."""
    decoder = transformers.GPT2Config(
        n_embd=WIDTH, n_layer=3, n_head=4, n_positions=64, vocab_size=size, add_cross_attention=True, **SPECIAL_IDS
    )
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        transformers.ViTConfig(**VISION), decoder
    )
    config.decoder_start_token_id, config.pad_token_id, config.eos_token_id = 1, 0, 2
    return transformers.VisionEncoderDecoderModel(config)


def git(size: int) -> transformers.PreTrainedModel:
    """A Transformer over image tokens followed by the tokens of the caption."""
    config = transformers.GitConfig(
        vision_config=VISION, vocab_size=size, max_position_embeddings=64, **LAYERS, **SPECIAL_IDS
    )
    return transformers.GitForCausalLM(config)


FAMILIES = {"vit-gpt2": vit_gpt2, "git": git}


def main(family: str, captions: str, folder: str, seed: str) -> None:
    """Write the captioner with its tokenizer and its image processor."""
    torch.manual_seed(int(seed))
    tokenizer = word_tokenizer(open_captions(Path(captions)).tokenizer.words)
    FAMILIES[family](len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    size = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    transformers.ViTImageProcessor(size=size).save_pretrained(folder)


if __name__ == "__main__":
    if len(sys.argv) != 5 or sys.argv[1] not in FAMILIES:
        sys.exit("usage: python examples/small_captioner.py vit-gpt2|git CAPTIONS FOLDER SEED")
    main(*sys.argv[1:])
