"""The training step in plain PyTorch, with the weights of clcap's models."""

from pathlib import Path

import torch
from torch import Tensor, nn

from clcap_cli.models.captioner import Captioner
from tests.benchmarks import naive_baseline
from tests.benchmarks.batches import Batch, load_batches
from tests.benchmarks.measure import Side, timed
from tests.benchmarks.steps import standard_step


def plain_log_probs(model: nn.Module, batch: Batch) -> Tensor:
    """ln p of one set of captions after another, with a copy of the image for every caption."""
    assert isinstance(model, Captioner)
    return torch.cat(
        [
            naive_baseline.sequence_log_prob(model, one.features[one.image], one.tokens, one.lengths)
            for one in batch.split_sets()
        ]
    )


def plain_step(name: str, batches: str, device: str) -> Side:
    """The plain step on stored batches, ready to be timed in a process of its own."""
    return timed(standard_step(name, load_batches(Path(batches), device), device, plain_log_probs), device)
