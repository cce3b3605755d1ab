"""What ``train-cl`` can learn, one record an objective: what it is called, needs and leaves to choose.

The command line and the workflow read these records, so neither this module nor one that defines an objective imports
torch before a loss is computed.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import Tensor

    from clcap_cli.objectives.pair_log_probs import PairLogProbs


@dataclass(frozen=True)
class Objective:
    """What is learned. The fields of a subclass are its options; the first line of its docstring is shown in the help.

    A field is worded as the command line shows it: ``beta: Annotated[float, Ge(0), Option("β, the scale.")] = 0.1``.
    """

    suffix: ClassVar[str]
    """End of the output's default name, lower-case letters, digits and _: with ``cl``, nt.pt becomes nt_cl.pt."""
    task: ClassVar[str]
    """Class of the task that trains it, "module:class"; it is called with the objective and a ``TaskInputs``."""
    needs_reference: ClassVar[bool] = False
    """Whether the loss depends on the reference's ln p."""
    needs_negatives: ClassVar[bool] = True
    """Whether captions are put with images that they do not belong to."""
    redraws_negatives: ClassVar[bool | None] = None
    """Whether these are drawn anew every epoch, unless the user decides; None where there is nothing to decide."""
    has_discriminator: ClassVar[bool] = False
    """Whether a discriminator is trained beside the captioner; it is written beside the output."""
    has_comparable_loss: ClassVar[bool] = True
    """Whether losses of different steps compare, so that --select-by loss can choose a checkpoint."""
    splits_batches: ClassVar[bool] = True
    """Whether a batch can be computed in parts, so that --max-tokens bounds its memory."""


@dataclass(frozen=True)
class PairObjective(Objective, ABC):
    """A loss of the log-probabilities of matched pairs and of K mismatched pairs for each of them."""

    task: ClassVar[str] = "clcap_cli.training.pair_task:PairTask"
    redraws_negatives: ClassVar[bool | None] = True

    @abstractmethod
    def loss(self, pairs: "PairLogProbs") -> "Tensor":
        """The loss to minimise, a scalar."""

    def loss_lower_bound(self, pairs: "PairLogProbs") -> "Tensor":
        """A scalar below which no target can bring the loss of these pairs; 0 unless the objective has a higher one."""
        return pairs.target.new_zeros(())
