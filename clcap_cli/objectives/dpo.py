"""Direct preference optimisation (Rafailov et al., NeurIPS 2023, arXiv 2305.18290), equation 7.

The paper's preferred and rejected answers are here the matched caption of an image and a mismatched one:

    L = -mean ln sigmoid(β G(c, I) - β G(c', I))

G is the paper's ln of π_θ / π_ref, with the whole caption's ln p. Our reading: each matched caption makes K pairs, one
with each of its mismatched ones, instead of pairs that people judged.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from clcap_cli.objectives.objective import PairObjective
from clcap_cli.objectives.pair_log_probs import PairLogProbs
from clcap_cli.options import Option

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DPO(PairObjective):
    """Direct preference optimisation: matched captions ahead of mismatched ones, relative to the reference."""

    suffix: ClassVar[str] = "dpo"
    needs_reference: ClassVar[bool] = True
    beta: Annotated[float, Ge(1e-6), Le(1e6), Option("β, scale of the log-ratio to the reference")] = 0.1

    def loss(self, pairs: PairLogProbs) -> "Tensor":
        """A scalar; ln 2 where target and reference are equal.

        Only the difference counts: both captions may become less likely as long as the mismatched one does so more.
        """
        from torch.nn.functional import logsigmoid

        matched, mismatched = pairs.log_ratio[0], pairs.log_ratio[1:]
        return -logsigmoid(self.beta * (matched - mismatched)).mean()
