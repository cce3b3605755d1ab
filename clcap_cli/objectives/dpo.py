"""Direct preference optimisation (Rafailov et al., NeurIPS 2023, arXiv 2305.18290), equation 7.

The paper's preferred answer is here a matched caption c of an image I, and the rejected answer a mismatched caption c':

    L = -mean ln sigmoid(β G(c, I) - β G(c', I))

G is the paper's ln(π_θ / π_ref), from ln p of complete captions. Our reading: instead of pairs judged by people, each
matched caption forms K pairs, one with each of its mismatched captions.
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
    """Direct preference optimisation: prefer matched to mismatched captions, relative to the reference."""

    suffix: ClassVar[str] = "dpo"
    needs_reference: ClassVar[bool] = True
    beta: Annotated[float, Ge(1e-6), Le(1e6), Option("Scale β of the log-ratio to the reference.")] = 0.1

    def loss(self, pairs: PairLogProbs) -> "Tensor":
        """A scalar; ln 2 if target and reference are equal.

        Only differences of log-ratios count: both captions may become less likely if the mismatched one does so more.
        """
        from torch.nn.functional import logsigmoid

        matched, mismatched = pairs.log_ratio[0], pairs.log_ratio[1:]
        return -logsigmoid(self.beta * (matched - mismatched)).mean()
