"""A conditional GAN for captions (Dai, Fidler, Urtasun & Lin, ICCV 2017, arXiv 1703.06029), section 3.

The discriminator r(I, c), which the paper calls the evaluator, learns to give an image's reference captions a higher
score than captions of other images and captions that the captioner samples. The captioner learns to sample captions
that the discriminator scores high. Each loss documents how we read the paper's formula and what we had to choose.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from clcap_cli.objectives.objective import Objective

if TYPE_CHECKING:
    from torch import Tensor

ALPHA = BETA = 0.5
"""Weights of generated and of mismatched captions; together wrong captions weigh as much as right ones."""


@dataclass(frozen=True)
class Adversarial(Objective):
    """A captioner against an discriminator that learns to tell its captions from people's."""

    suffix: ClassVar[str] = "gan"
    task: ClassVar[str] = "clcap_cli.training.adversarial_task:AdversarialTask"
    has_discriminator: ClassVar[bool] = True
    has_comparable_loss: ClassVar[bool] = False
    splits_batches: ClassVar[bool] = False


def discriminator_loss(matched: "Tensor", mismatched: "Tensor", generated: "Tensor") -> "Tensor":
    """The negative of what the paper's evaluator maximises, from three tensors of logits of r; a scalar.

        mean over matched of ln r + α mean over generated of ln(1 - r) + β mean over mismatched of ln(1 - r)

    α and β are our choice: with 1/2 each an discriminator that knows nothing is at r = 1/2, where the loss is 2 ln 2.
    """
    from torch.nn.functional import logsigmoid

    right = logsigmoid(matched).mean()
    wrong = ALPHA * logsigmoid(-generated).mean() + BETA * logsigmoid(-mismatched).mean()
    return -(right + wrong)


def advantages(rewards: "Tensor") -> "Tensor":
    """How much better each of an image's samples is than the mean of its others: (k, n), from rewards (k, n), k >= 2.

    The other samples know nothing of this one, so the policy gradient stays unbiased with their mean as the baseline.
    """
    return rewards - (rewards.sum(dim=0) - rewards) / (len(rewards) - 1)


def captioner_loss(log_probs: "Tensor", rewards: "Tensor") -> "Tensor":
    """A scalar whose gradient is the policy gradient (REINFORCE, Williams 1992) of minus the expected reward.

    ``log_probs`` is (k, n), ln p(c|I) of k captions sampled of each of n images, and ``rewards`` (k, n) their r(I, c).

    The paper gives every word its own reward, the mean r of captions that are sampled to the end from there. Here the
    whole caption has its reward at the end: the same gradient in expectation without the k-fold cost of finishing every
    caption again at every word. The variance is kept down by the baseline of ``advantages``.

    ``log_probs`` counts END also of captions that were cut at the greatest length, where it was not drawn. That is not
    the exact gradient, on purpose: with the exact one the captioner need never end a caption, and soon does not.
    """
    return -(advantages(rewards.detach()) * log_probs).mean()


def reward_spread(rewards: "Tensor") -> "Tensor":
    """The mean standard deviation of an image's rewards (k, n): what the captioner has to learn from; a scalar."""
    return rewards.std(dim=0).mean()
