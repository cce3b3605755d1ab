"""Contrastive learning for image captioning (Dai & Lin, NIPS 2017, arXiv 1710.02534), section 4.

G(c, I) = ln p_m(c|I) - ln p_n(c|I) is the log-ratio of the target m and the reference n, and h = 1 / (1 + ν exp(-G)) is
the posterior probability that a pair is matched. Training maximises

    J = mean over matched pairs of ln h + ν times the mean over mismatched pairs of ln(1 - h)

where ν = T_n / T_m is the number of mismatched pairs per matched pair in a set; the second term is the paper's sum over
T_n = ν T_m mismatched pairs divided by T_m. For every ν, J is maximal where G is the log-ratio of the densities of
matched and mismatched pairs (Gutmann & Hyvärinen 2012). Each of the K sets has as many mismatched as matched pairs, so
ν is 1 by default.
"""

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from clcap_cli.objectives.objective import PairObjective
from clcap_cli.objectives.pair_log_probs import PairLogProbs
from clcap_cli.options import Option

if TYPE_CHECKING:
    from torch import Tensor

Nu = Annotated[
    float,
    Ge(1e-6),
    Le(1e6),
    Option("Noise ratio ν of the loss (mismatched to matched pairs); need not equal --k."),
]


@dataclass(frozen=True)
class Contrastive(PairObjective):
    """Raise ln p of matched pairs and lower ln p of mismatched pairs, both relative to the reference."""

    suffix: ClassVar[str] = "cl"
    needs_reference: ClassVar[bool] = True
    nu: Nu = 1.0

    def loss(self, pairs: PairLogProbs) -> "Tensor":
        """-J, a scalar; 2 ln 2 if target and reference are equal and ν is 1."""
        return matched_loss(pairs.log_ratio[0], self.nu) + mismatched_loss(pairs.log_ratio[1:], self.nu)

    def loss_lower_bound(self, pairs: PairLogProbs) -> "Tensor":
        """The paper's bound: p_m is at most 1, so ln h of matched pairs stays below 0."""
        return matched_lower_bound(pairs, self.nu)


def matched_loss(log_ratio: "Tensor", nu: float) -> "Tensor":
    """Mean of -ln h, a scalar, from the log-ratios G of matched pairs in any shape."""
    from torch.nn.functional import logsigmoid

    return -logsigmoid(log_ratio - log(nu)).mean()


def mismatched_loss(log_ratio: "Tensor", nu: float) -> "Tensor":
    """ν times the mean of -ln(1 - h), a scalar, from the log-ratios G of mismatched pairs in any shape."""
    from torch.nn.functional import logsigmoid

    return -nu * logsigmoid(log(nu) - log_ratio).mean()


def matched_lower_bound(pairs: PairLogProbs, nu: float) -> "Tensor":
    """``matched_loss`` of a target that gives every matched caption probability 1."""
    assert pairs.reference is not None
    return matched_loss(-pairs.reference[0], nu)
