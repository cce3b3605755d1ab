"""The interface of an objective of ``train-cl``: a record of its name, its requirements and its options.

The command line and the workflow read these records, so modules that define objectives import torch only inside the
functions that compute a loss.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from clcap_cli.options import Option

if TYPE_CHECKING:
    from torch import Tensor

    from clcap_cli.objectives.pair_log_probs import PairLogProbs

MleWeight = Annotated[
    float,
    Ge(0),
    Le(1e6),
    Option("Weight of the mean negative log-likelihood of matched captions, in nats per caption, added to the loss."),
]


@dataclass(frozen=True)
class Objective:
    """An objective. Fields of a subclass are its options, and the first line of its docstring is its help text.

    A field has a type, limits, a help text and a default: ``beta: Annotated[float, Ge(0), Option("β, scale")] = 0.1``.
    """

    suffix: ClassVar[str]
    """Ending of the default output name, of lower-case letters, digits and _: with ``cl``, nt.pt becomes nt_cl.pt."""
    task: ClassVar[str]
    """Class of the training task as "module:class"; it is called with the objective and a ``TaskInputs``."""
    needs_reference: ClassVar[bool] = False
    """Whether the loss depends on the reference's ln p."""
    needs_negatives: ClassVar[bool] = True
    """Whether the loss needs mismatched pairs of captions and images."""
    redraws_negatives: ClassVar[bool | None] = None
    """Default of --redraw-negatives, whether negatives are redrawn every epoch; None if it does not apply."""
    has_discriminator: ClassVar[bool] = False
    """Whether a discriminator is trained together with the captioner and written to its own file."""
    has_comparable_loss: ClassVar[bool] = True
    """Whether losses of different steps can be compared, so that --select-by loss is possible."""
    splits_batches: ClassVar[bool] = True
    """Whether a batch can be computed in parts, so that --max-tokens can bound the memory."""


@dataclass(frozen=True)
class PairObjective(Objective, ABC):
    """A loss of the log-probabilities of matched pairs and of K mismatched pairs for each of them."""

    task: ClassVar[str] = "clcap_cli.training.pair_task:PairTask"
    redraws_negatives: ClassVar[bool | None] = True
    mle_weight: MleWeight = field(default=0.0, kw_only=True)

    @abstractmethod
    def loss(self, pairs: "PairLogProbs") -> "Tensor":
        """The loss to minimise, a scalar, without the likelihood that ``mle_weight`` adds."""

    def loss_lower_bound(self, pairs: "PairLogProbs") -> "Tensor":
        """A scalar that the loss of these pairs cannot fall below for any target; 0 by default."""
        return pairs.target.new_zeros(())
