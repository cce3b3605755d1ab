"""What objectives that compare a target with a reference have in common (Dai & Lin, NIPS 2017, section 4).

G(c, I) = ln p_m(c|I) - ln p_n(c|I) is by how much the target m finds a caption likelier than the reference n does.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from torch import Tensor

ROUNDING = 1e-3
"""Nats by which ln p of equal models can differ, where they were computed in batches of other sizes."""


@dataclass(frozen=True)
class Compared:
    """G on P matched pairs, and on K mismatched ones for each of them."""

    positive: Tensor
    """(P,) G of the matched pairs."""
    negative: Tensor
    """(K, P) G of the same images with captions of others; (0, P) where an objective has no use for them."""

    @property
    def told_apart(self) -> Tensor:
        """The share of mismatched pairs that the target finds less likely than the reference does, beyond rounding."""
        return (self.negative < -ROUNDING).float().mean()


def compare(target: Tensor, reference: Tensor) -> Compared:
    """From ln p of target and reference, (1 + K, P) each: row 0 the matched pairs, the others the mismatched ones."""
    difference = target - reference
    return Compared(difference[0], difference[1:])


class Objective(Protocol):
    """What is learned against a reference."""

    needs_negatives: ClassVar[bool]

    def loss(self, compared: Compared) -> Tensor:
        """What is made small, a scalar."""

    def least_loss(self, reference: Tensor) -> Tensor:
        """Below this the loss cannot fall on matched pairs to which the reference gives ln p ``reference`` (P,).

        p_m is at most 1, so that G of a matched pair is at most -ln p_n.
        """
