"""The image encoder that a checkpoint may hold, as plain data and tensors."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, JsonValue
from torch import Tensor

from clcap_cli.artifacts.checks import validated_part
from clcap_cli.artifacts.torch_files import check_tensors

WEIGHT = "image encoder weight"


@dataclass(frozen=True)
class SavedEncoder:
    """An image encoder that can be built again."""

    architecture: dict[str, JsonValue]
    """What the encoder is built from, except its weights; see ImageEncoder."""
    weights: dict[str, Tensor]
    """All tensors of the encoder's state dict."""


class _Parts(BaseModel):
    architecture: dict[str, JsonValue]
    weights: dict[str, Any]


def parse_encoder(content: object, path: Path, kind: str) -> SavedEncoder | None:
    """The encoder in ``content``, read from a file of ``kind``; None if it is None.

    Raises ClcapError if it is incomplete or its weights are not finite. Whether these fit the architecture is checked
    when the encoder is built.
    """
    if content is None:
        return None
    parts = validated_part("encoder", content, _Parts, path, kind)
    expected = {name: value for name, value in parts.weights.items() if isinstance(value, Tensor)}
    return SavedEncoder(parts.architecture, check_tensors(path, WEIGHT, parts.weights, expected))
