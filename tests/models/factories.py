"""Tiny captioners for tests: 7 pooled channels, 5 channels per region."""

from clcap_cli.models.captioner import Captioner
from clcap_cli.models.registry import build_model, configure

OPTIONS = {
    "neuraltalk2": {"embedding_size": 8, "hidden_size": 12},
    "adaptive-attention": {"embedding_size": 8, "hidden_size": 12},
    "transformer": {"hidden_size": 16, "heads": 2, "layers": 2, "feedforward_size": 24},
}


def build_tiny_model(name: str, words: int, longest: int, **options: object) -> Captioner:
    """A model in evaluation mode; token 0 ends a caption, and the start token is never predicted, as with words."""
    facts = {"vocabulary_size": words, "start_token": words, "end_token": 0, "max_length": longest}
    facts |= {"pooled_channels": 7, "grid_channels": 5}
    return build_model(name, configure(name, facts, {"dropout": 0.5, **OPTIONS[name], **options})).eval()
