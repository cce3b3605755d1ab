"""A ranking loss with a margin on ln p, like that of image-sentence embeddings (Kiros et al. 2014, arXiv 1411.2539).

L = mean max(0, margin - ln p(c|I) + ln p(c'|I)), over the mismatched captions c' of each matched pair (c, I).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Gt

from clcap_cli.objectives.objective import PairObjective
from clcap_cli.objectives.pair_log_probs import PairLogProbs
from clcap_cli.options import Option

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Hinge(PairObjective):
    """Makes matched captions likelier than mismatched ones by a margin."""

    suffix: ClassVar[str] = "hinge"
    margin: Annotated[float, Gt(0), Option("Margin in nats.")] = 1.0

    def loss(self, pairs: PairLogProbs) -> "Tensor":
        """The loss, a scalar; 0 if every matched caption is likelier than its mismatched ones by the margin."""
        matched, mismatched = pairs.target[0], pairs.target[1:]
        return (self.margin - (matched - mismatched)).relu().mean()
