"""A conditional GAN for captions (Dai, Fidler, Urtasun & Lin, ICCV 2017, arXiv 1703.06029, section 3).

The discriminator r(I, c), which the paper calls the evaluator, learns to score the reference captions of an image above
captions of other images and captions sampled from the captioner. The captioner learns to sample captions that the
discriminator scores high. The docstring of each loss states our reading of the paper's formula and our own choices.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from clcap_cli.objectives.objective import MleWeight, Objective

if TYPE_CHECKING:
    from torch import Tensor

ALPHA = BETA = 0.5
"""Weights of generated and mismatched captions, which together weigh as much as matched captions."""


@dataclass(frozen=True)
class Adversarial(Objective):
    """Conditional GAN: a captioner and a discriminator that learns to tell its captions from references."""

    suffix: ClassVar[str] = "gan"
    task: ClassVar[str] = "clcap_cli.training.adversarial_task:AdversarialTask"
    has_discriminator: ClassVar[bool] = True
    has_comparable_loss: ClassVar[bool] = False
    splits_batches: ClassVar[bool] = False
    mle_weight: MleWeight = 0.0


def discriminator_loss(
    matched: "Tensor", mismatched: "Tensor", generated: "Tensor", share: float = 1.0, generated_share: float = 1.0
) -> "Tensor":
    """The negative of the objective that the paper's evaluator maximises, a scalar, from three tensors of logits of r.

        mean over matched of ln r + α mean over generated of ln(1 - r) + β mean over mismatched of ln(1 - r)

    α = β = 1/2 is our choice: the best constant discriminator is then r = 1/2, with a loss of 2 ln 2. For a part of a
    batch, ``share`` is its share of the matched and of the mismatched captions, and ``generated_share`` of the others;
    the losses of all parts then add up to that of the batch.
    """
    from torch.nn.functional import logsigmoid

    matched_term = share * logsigmoid(matched).mean()
    other_term = ALPHA * generated_share * logsigmoid(-generated).mean() + BETA * share * logsigmoid(-mismatched).mean()
    return -(matched_term + other_term)


def advantages(rewards: "Tensor") -> "Tensor":
    """Reward of each sample minus the mean reward of the other samples of its image: (k, n), from (k, n), with k >= 2.

    The baseline does not depend on the sample itself, so the policy gradient stays unbiased.
    """
    return rewards - (rewards.sum(dim=0) - rewards) / (len(rewards) - 1)


def captioner_loss(log_probs: "Tensor", rewards: "Tensor") -> "Tensor":
    """A scalar whose gradient estimates that of minus the expected reward (REINFORCE, Williams 1992).

    ``log_probs`` (k, n) is ln p(c|I) of k captions sampled for each of n images, and ``rewards`` (k, n) their r(I, c).

    The paper gives each word its own reward: the mean r of captions completed from that word by sampling. Here the
    complete caption has one reward, which has the same gradient in expectation without the cost of sampling completions
    at every word. The baseline of ``advantages`` reduces the variance.

    ``log_probs`` includes the end token also for captions that were cut at the maximum length, where it was not
    sampled. This deliberately deviates from the exact gradient, under which the captioner soon stops ending captions.
    """
    return -(advantages(rewards.detach()) * log_probs).mean()


def reward_spread(rewards: "Tensor") -> "Tensor":
    """Mean standard deviation of the rewards (k, n) of an image's samples; a scalar, 0 without any learning signal."""
    return rewards.std(dim=0).mean()
