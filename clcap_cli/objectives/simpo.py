"""Simple preference optimisation (Meng, Xia & Chen, NeurIPS 2024, arXiv 2405.14734), equation 6.

The paper's winning and losing answers are here the matched caption of an image and a mismatched one; |c| is the number
of a caption's tokens, the end token included, since ln p has a term for it:

    L = -mean ln sigmoid(β ln p(c|I) / |c| - β ln p(c'|I) / |c'| - γ)

The mean ln p of a token takes the place of DPO's G, so that no reference is needed, and γ is the margin by which the
matched caption has to be ahead. Our reading: each matched caption makes K pairs, one with each of its mismatched ones,
as in DPO. The defaults are what the paper uses for Llama-3-8B-Base.
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
    """Simple preference optimisation: matched captions ahead of mismatched ones per token, without a reference."""

    suffix: ClassVar[str] = "simpo"
    beta: Annotated[float, Ge(1e-6), Le(1e6), Option("β, scale of the mean log-probability of a token")] = 2.0
    gamma: Annotated[float, Ge(0), Le(1e6), Option("γ, the target margin")] = 1.0

    def loss(self, pairs: PairLogProbs) -> "Tensor":
        """A scalar; -ln sigmoid(-γ) where all captions are equally likely per token."""
        from torch.nn.functional import logsigmoid

        matched, mismatched = pairs.per_token[0], pairs.per_token[1:]
        return -logsigmoid(self.beta * (matched - mismatched) - self.gamma).mean()
