"""The captioners by the names that users type."""

from clcap_cli.errors import unknown_name
from clcap_cli.models.adaptive_attention import AdaptiveAttention
from clcap_cli.models.captioner import Captioner, CaptionerConfig
from clcap_cli.models.neuraltalk2 import NeuralTalk2

MODELS: dict[str, type[Captioner]] = {
    "neuraltalk2": NeuralTalk2,
    "adaptive-attention": AdaptiveAttention,
}


def build_model(name: str, config: CaptionerConfig) -> Captioner:
    """A captioner with fresh weights.

    Raises ClcapError for an unknown name.
    """
    if name not in MODELS:
        raise unknown_name("model", name, MODELS)
    return MODELS[name](config)
