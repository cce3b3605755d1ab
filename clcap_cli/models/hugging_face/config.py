"""Configuration of the text part of a captioner of Hugging Face."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, JsonValue

from clcap_cli.errors import ClcapError
from clcap_cli.hub_code import check_own_code
from clcap_cli.models.captioner import CaptionerConfig, DropoutRate, Size, Token

PositionCount = Annotated[int, Field(ge=1, le=2**20)]


@dataclass(frozen=True)
class HuggingFaceConfig(CaptionerConfig):
    """Configuration of a captioner of Hugging Face."""

    pooled_channels: Size
    grid_channels: Size
    """Size of the image encoder's hidden states."""
    regions: Size
    """Number of the image encoder's hidden states, the image tokens."""
    positions: PositionCount
    """Number of positions that the text part has embeddings for."""
    architecture: dict[str, JsonValue]
    """Configuration of the whole model, as in its config.json."""
    prompt: tuple[Token, ...] = ()
    """Tokens before ``start_token``: with a prompt of p tokens, the model's own start token and the first p - 1."""
    dropout: DropoutRate = 0.0
    """Dropout rate of hidden states; attention weights have no dropout."""
    lora_rank: Annotated[int, Field(ge=0, le=2**10)] = 0
    """Rank of the LoRA adapters; 0 without any."""

    def __post_init__(self) -> None:
        check_own_code("its architecture", self.architecture)
        longest = self.positions - len(self.prompt) - 1
        if self.max_length > longest:
            raise ClcapError(
                f"max_length {self.max_length} is more than the {longest} tokens that the model has positions for"
            )
