"""Simple preference optimisation (Meng, Xia & Chen, NeurIPS 2024, arXiv 2405.14734), equation 6.

The paper's winning answer is here a matched caption c of an image I, and the losing answer a mismatched caption c':

    L = -mean ln sigmoid(β ln p(c|I) / |c| - β ln p(c'|I) / |c'| - γ)

|c| is the number of tokens of c, the end token included. The mean ln p of a token replaces the log-ratio of DPO, so no
reference is needed. γ is the margin by which the matched caption should exceed the mismatched one. Our reading: each
matched caption forms K pairs, one with each of its mismatched captions, as in DPO. The defaults are the paper's values
for Llama-3-8B-Base.
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
class SimPO(PairObjective):
    """Simple preference optimisation: prefer matched to mismatched captions by ln p per token; no reference."""

    suffix: ClassVar[str] = "simpo"
    beta: Annotated[float, Ge(1e-6), Le(1e6), Option("Scale β of the mean log-probability of a token.")] = 2.0
    gamma: Annotated[float, Ge(0), Le(1e6), Option("Desired margin γ between matched and mismatched captions.")] = 1.0

    def loss(self, pairs: PairLogProbs) -> "Tensor":
        """A scalar; -ln sigmoid(-γ) if all captions have the same ln p per token."""
        from torch.nn.functional import logsigmoid

        matched, mismatched = pairs.per_token[0], pairs.per_token[1:]
        return -logsigmoid(self.beta * (matched - mismatched) - self.gamma).mean()
