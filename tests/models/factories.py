"""Tiny captioners for tests: 7 pooled channels, 5 channels per region."""

from clcap_cli.models.captioner import Captioner
from clcap_cli.models.registry import build_model, configure

TEXT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
VISION = {"hidden_size": 5, "image_size": 4, "patch_size": 2}
POSITIONS = {"max_position_embeddings": 64}
GPT2 = {"model_type": "gpt2", "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64, "add_cross_attention": True}
OPTIONS = {
    "neuraltalk2": {"embedding_size": 8, "hidden_size": 12},
    "adaptive-attention": {"embedding_size": 8, "hidden_size": 12},
    "transformer": {"hidden_size": 16, "heads": 2, "layers": 2, "feedforward_size": 24},
}
ARCHITECTURES = {
    "vision-encoder-decoder": {"encoder": {"model_type": "vit", **VISION}, "decoder": GPT2},
    "blip": {"vision_config": VISION, "text_config": {**TEXT, **POSITIONS, "encoder_hidden_size": 5}},
    "git": {"vision_config": VISION, **TEXT, **POSITIONS},
}
"""Configurations of models of Hugging Face, without the size of the vocabulary."""
TEXT_CONFIG = {"vision-encoder-decoder": "decoder", "blip": "text_config"}
"""Part of an architecture that has the size of the vocabulary; the architecture itself for other models."""


def build_tiny_model(name: str, words: int, longest: int, **options: object) -> Captioner:
    """A model in evaluation mode; token 0 ends a caption.

    The start token is never predicted, as with words; in models of Hugging Face it is also token 0, as in GPT-2.
    """
    facts = {"vocabulary_size": words, "start_token": words, "end_token": 0, "max_length": longest}
    facts |= {"pooled_channels": 7, "grid_channels": 5}
    if name in ARCHITECTURES:
        facts |= {"start_token": 0, "regions": 5, "positions": 64}
        options = {"architecture": tiny_architecture(name, words), **options}
    return build_model(name, configure(name, facts, {"dropout": 0.5, **OPTIONS.get(name, {}), **options})).eval()


def tiny_architecture(name: str, words: int) -> dict[str, object]:
    """The configuration of a model of Hugging Face with a vocabulary of ``words``."""
    size = {"vocab_size": words, "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0}
    part, architecture = TEXT_CONFIG.get(name), ARCHITECTURES[name]
    return {**architecture, part: {**architecture[part], **size}} if part else {**architecture, **size}
