"""The work that is compared with ImageCaptioning.pytorch, for clcap and for it, each in a process of its own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from clcap_cli.decoding.captioning import decode
from clcap_cli.decoding.decoded import Decoded
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.retrieval.search import score_matrix
from clcap_cli.training.optimizer import make_optimizer
from clcap_cli.training.settings import Optimisation
from tests.benchmarks.batches import IMAGES, Batch, load_batches
from tests.benchmarks.measure import Side, seconds, standard_images, standard_model, timed
from tests.benchmarks.peer_models import (
    UNKNOWN,
    load_peer,
    peer_beam_search,
    peer_log_probs,
    peer_optimizer,
    peer_table,
)
from tests.benchmarks.steps import LogProbs, Step, clcap_log_probs
from tests.benchmarks.synthetic_data import World
from tests.benchmarks.trained_models import trained_model

BEAM, SCORED = 3, 100
BATCH_SIZES = (1, 10, 50)
"""Numbers of images that the other toolkit searches at once; the fastest is measured."""
TABLE_BATCH_SIZES = (1, 5)
"""Numbers of images for which the other toolkit scores all captions at once; the fastest is measured."""
Work = Callable[[], Any]


def mean_features(count: int, device: str) -> ImageFeatures:
    """Random features whose pooled vector is the mean of the regions."""
    grid = standard_images(count, device).grid
    return ImageFeatures(grid.mean(1), grid)


def clcap_step(name: str, batches: str, device: str) -> Side:
    """clcap's training step."""
    model, reference = (standard_model(name, device) for _ in range(2))
    optimizer = make_optimizer(model, Optimisation())
    return timed(Step(model, reference, clcap_log_probs, optimizer, _with_means(batches, device)), device)


def peer_step(checkout: str, name: str, batches: str, device: str) -> Side:
    """The other toolkit's training step, with all captions in one batch."""
    return _peer_step(checkout, name, batches, device, peer_log_probs)


def peer_step_by_sets(checkout: str, name: str, batches: str, device: str) -> Side:
    """The other toolkit's training step, with a batch for each set of captions."""
    return _peer_step(checkout, name, batches, device, _set_by_set)


def clcap_beam_search(name: str, images: int, trained: str, device: str) -> Side:
    """clcap's beam search."""
    return timed(clcap_captions(trained_model(name, "mle", Path(trained), device), World(images, 2, device)), device)


def peer_beam(checkout: str, name: str, images: int, trained: str, device: str) -> Side:
    """The other toolkit's beam search."""
    model = load_peer(Path(checkout), name, trained_model(name, "mle", Path(trained), device)).eval()
    some = World(max(BATCH_SIZES), 2, device)
    ways = {peer_captions(model, some, size): size for size in BATCH_SIZES}
    return timed(peer_captions(model, World(images, 2, device), ways[_fastest(list(ways), device)]), device)


def clcap_table(name: str, batches: str, device: str) -> Side:
    """clcap's ln p of ``SCORED`` captions for as many images."""
    model, (tokens, lengths) = standard_model(name, device).eval(), _scored_captions(batches, device)
    images = World(SCORED, 2, device)
    return timed(lambda: score_matrix(model, images, tokens, lengths), device)


def peer_scores(checkout: str, name: str, batches: str, device: str) -> Side:
    """The other toolkit's ln p of the same captions for the same images."""
    model = load_peer(Path(checkout), name, standard_model(name, device)).eval()
    captions, images = _scored_captions(batches, device), World(SCORED, 2, device)
    return timed(_fastest([_table(model, images, captions, size) for size in TABLE_BATCH_SIZES], device), device)


def clcap_captions(model: Captioner, images: FeatureSource) -> Work:
    """Beam search for all images; returns their captions."""
    settings = DecodingSettings(beam=BEAM)
    return lambda: _unpadded(decode([model], [images], settings, never_generated=(UNKNOWN,)))


def peer_captions(model: nn.Module, images: FeatureSource, batch_size: int) -> Work:
    """The other toolkit's beam search for all images, in batches; returns their captions."""
    blocks = [images.read(positions) for positions in images.blocks(batch_size)]
    return torch.inference_mode()(
        lambda: [caption for block in blocks for caption in peer_beam_search(model, block, BEAM)]
    )


def _table(model: nn.Module, images: FeatureSource, captions: tuple[Tensor, Tensor], batch_size: int) -> Work:
    blocks = [images.read(positions) for positions in images.blocks(batch_size)]
    return torch.inference_mode()(lambda: torch.cat([peer_table(model, block, *captions) for block in blocks], dim=1))


def _unpadded(decoded: Decoded) -> list[list[int]]:
    rows = zip(decoded.captions.tolist(), decoded.lengths.tolist(), strict=True)
    return [words[:length] for words, length in rows]


def _peer_step(checkout: str, name: str, batches: str, device: str, log_probs: LogProbs) -> Side:
    model, reference = (load_peer(Path(checkout), name, standard_model(name, device)) for _ in range(2))
    return timed(Step(model, reference, log_probs, peer_optimizer(model), _with_means(batches, device)), device)


def _set_by_set(model: nn.Module, batch: Batch) -> Tensor:
    return torch.cat([peer_log_probs(model, one) for one in batch.split_sets()])


def _with_means(batches: str, device: str) -> list[Batch]:
    features = mean_features(IMAGES, device)
    return [replace(batch, features=features) for batch in load_batches(Path(batches), device)]


def _scored_captions(batches: str, device: str) -> tuple[Tensor, Tensor]:
    """The last captions of a batch, which are of different photos."""
    batch = load_batches(Path(batches), device)[0]
    return batch.tokens[-SCORED:], batch.lengths[-SCORED:]


def _fastest(ways: Sequence[Work], device: str) -> Work:
    """The fastest in a second run of each."""
    for way in ways:
        way()
    return min(ways, key=lambda way: seconds(way, device))
