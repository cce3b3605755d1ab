"""The side of ImageCaptioning.pytorch, the peer, in each comparison, ready to be timed in a process of its own."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from clcap_cli.features.source import FeatureSource
from tests.benchmarks.batches import Batch
from tests.benchmarks.clcap_sides import BEAM, SCORED, Work, batches_with_means, scored_captions
from tests.benchmarks.measure import Side, seconds, standard_model, timed
from tests.benchmarks.peer_models import load_peer, peer_beam_search, peer_log_probs, peer_optimizer, peer_table
from tests.benchmarks.steps import LogProbs, Step
from tests.benchmarks.synthetic_data import World
from tests.benchmarks.trained_models import trained_model

BATCH_SIZES = (1, 10, 50)
"""Numbers of images that the peer searches at once; the fastest is measured."""
TABLE_BATCH_SIZES = (1, 5)
"""Numbers of images for which the peer scores all captions at once; the fastest is measured."""


def peer_step(checkout: str, name: str, batches: str, device: str) -> Side:
    """The training step, with all captions in one batch."""
    return _peer_step(checkout, name, batches, device, peer_log_probs)


def peer_step_by_sets(checkout: str, name: str, batches: str, device: str) -> Side:
    """The training step, with a batch for each set of captions."""
    return _peer_step(checkout, name, batches, device, _set_by_set)


def peer_beam(checkout: str, name: str, images: int, trained: str, device: str) -> Side:
    """Beam search."""
    model = load_peer(Path(checkout), name, trained_model(name, "mle", Path(trained), device)).eval()
    some = World(max(BATCH_SIZES), 2, device)
    ways = {peer_captions(model, some, size): size for size in BATCH_SIZES}
    return timed(peer_captions(model, World(images, 2, device), ways[_fastest(list(ways), device)]), device)


def peer_scores(checkout: str, name: str, batches: str, device: str) -> Side:
    """ln p of ``SCORED`` captions for as many images."""
    model = load_peer(Path(checkout), name, standard_model(name, device)).eval()
    captions, images = scored_captions(batches, device), World(SCORED, 2, device)
    return timed(_fastest([_table(model, images, captions, size) for size in TABLE_BATCH_SIZES], device), device)


def peer_captions(model: nn.Module, images: FeatureSource, batch_size: int) -> Work:
    """Beam search for all images, in batches; returns their captions."""
    blocks = [images.read(positions) for positions in images.blocks(batch_size)]
    return torch.inference_mode()(
        lambda: [caption for block in blocks for caption in peer_beam_search(model, block, BEAM)]
    )


def _table(model: nn.Module, images: FeatureSource, captions: tuple[Tensor, Tensor], batch_size: int) -> Work:
    blocks = [images.read(positions) for positions in images.blocks(batch_size)]
    return torch.inference_mode()(lambda: torch.cat([peer_table(model, block, *captions) for block in blocks], dim=1))


def _peer_step(checkout: str, name: str, batches: str, device: str, log_probs: LogProbs) -> Side:
    model, reference = (load_peer(Path(checkout), name, standard_model(name, device)) for _ in range(2))
    return timed(Step(model, reference, log_probs, peer_optimizer(model), batches_with_means(batches, device)), device)


def _set_by_set(model: nn.Module, batch: Batch) -> Tensor:
    return torch.cat([peer_log_probs(model, one) for one in batch.split_sets()])


def _fastest(ways: Sequence[Work], device: str) -> Work:
    """The fastest in a second run of each."""
    for way in ways:
        way()
    return min(ways, key=lambda way: seconds(way, device))
