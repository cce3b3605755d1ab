"""Captioners that attend to the regions of images, and say how much each token attends to each region."""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.errors import ClcapError
from clcap_cli.models.captioner import Captioner, EncodedT, StateT
from clcap_cli.models.prefixes import Prefixes


@dataclass(frozen=True)
class AttentionWeights:
    """Attention of the T tokens of B captions to the R regions of their images."""

    regions: Tensor
    """(B, T, R): weights of the regions; 0 for padding regions and after a caption's end."""
    sentinel: Tensor | None
    """(B, T): weights of the visual sentinel, which sum to 1 with those of the regions; None for a model without."""
    mask: Tensor
    """(B, R) bool: False for the padding of images with fewer regions."""


class AttendingCaptioner(Captioner[EncodedT, StateT]):
    """A captioner with attention to the regions of an image if ``uses_grid``."""

    @abstractmethod
    def attention_weights(
        self, encoded: EncodedT, captions: Tensor, lengths: Tensor, image_index: Tensor
    ) -> AttentionWeights:
        """Attention with which each token of given captions is predicted; arguments as in ``sequence_log_prob``."""


def check_attends(model: Captioner, name: str) -> AttendingCaptioner:
    """The model; raises ClcapError unless it attends to regions. ``name`` is the model's name in the registry."""
    if not isinstance(model, AttendingCaptioner):
        raise ClcapError(f"{name} has no attention; --attention needs a model such as adaptive-attention")
    if not model.uses_grid:
        raise ClcapError(
            f"this {name} sees an image as one vector, so it has no regions to attend to; --attention needs a model "
            "trained with regions, such as adaptive-attention"
        )
    return model


def values_by_token(prefixes: Prefixes, values: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, …) values with which the tokens of captions are predicted, from the values (W, …) of their prefixes.

    0 after a caption's end; the values with which end tokens are predicted are left out.
    """
    of_captions = prefixes.values_by_step(values)[:, :-1]
    is_token = torch.arange(of_captions.shape[1], device=lengths.device) < lengths.unsqueeze(1)
    return of_captions * is_token.view(*is_token.shape, *[1] * (values.ndim - 1))
