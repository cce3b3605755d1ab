"""Captioners that attend to the regions of images, and say how much each token attends to each region."""

from abc import abstractmethod
from dataclasses import dataclass

from torch import Tensor

from clcap_cli.errors import ClcapError
from clcap_cli.models.captioner import Captioner, EncodedT, StateT
from clcap_cli.models.packing import PackedCaptions


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


def unpacked(values: Tensor, packed: PackedCaptions, lengths: Tensor, longest: int) -> Tensor:
    """(B, T, …) from the values (W, …) of packed tokens, with ``longest`` T; end tokens are left out."""
    is_word = packed.time_step < lengths[packed.caption_index]
    padded = values.new_zeros(len(lengths), longest, *values.shape[1:])
    return padded.index_put((packed.caption_index[is_word], packed.time_step[is_word]), values[is_word])
