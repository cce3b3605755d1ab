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
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.retrieval.search import score_matrix
from clcap_cli.training.optimizer import make_optimizer
from clcap_cli.training.settings import Optimisation
from tests.benchmarks.batches import IMAGES, Batch, load_batches
from tests.benchmarks.fixed_features import FixedFeatures
from tests.benchmarks.measure import Side, seconds, standard_images, timed
from tests.benchmarks.peer_models import (
    UNKNOWN,
    comparable_model,
    load_peer,
    peer_beam_search,
    peer_log_probs,
    peer_optimizer,
    peer_table,
)
from tests.benchmarks.steps import Step, clcap_log_probs

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
    model, reference = (comparable_model(name, device) for _ in range(2))
    optimizer = make_optimizer(model, Optimisation())
    return timed(Step(model, reference, clcap_log_probs, optimizer, _with_means(batches, device)), device)


def peer_step(checkout: str, name: str, batches: str, device: str) -> Side:
    """The other toolkit's training step, with all captions of an image in a batch or one set after another."""
    model, reference = (load_peer(Path(checkout), name, comparable_model(name, device)) for _ in range(2))
    given, optimizer = _with_means(batches, device), peer_optimizer(model)
    ways = [Step(model, reference, log_probs, optimizer, given) for log_probs in (peer_log_probs, _set_by_set)]
    return timed(_fastest(ways if given[0].sets > 1 else ways[:1], device), device)


def clcap_beam_search(name: str, images: int, device: str) -> Side:
    """clcap's beam search."""
    return timed(clcap_captions(peaked_model(name, device), mean_features(images, device)), device)


def peer_beam(checkout: str, name: str, images: int, device: str) -> Side:
    """The other toolkit's beam search."""
    model = load_peer(Path(checkout), name, peaked_model(name, device)).eval()
    ways = {peer_captions(model, mean_features(max(BATCH_SIZES), device), size): size for size in BATCH_SIZES}
    size = ways[_fastest(list(ways), device)]
    return timed(peer_captions(model, mean_features(images, device), size), device)


def clcap_table(name: str, batches: str, device: str) -> Side:
    """clcap's ln p of ``SCORED`` captions for as many images."""
    model, (tokens, lengths) = comparable_model(name, device).eval(), _scored_captions(batches, device)
    source = FixedFeatures(mean_features(SCORED, device))
    return timed(lambda: score_matrix(model, source, tokens, lengths), device)


def peer_scores(checkout: str, name: str, batches: str, device: str) -> Side:
    """The other toolkit's ln p of the same captions for the same images."""
    model = load_peer(Path(checkout), name, comparable_model(name, device)).eval()
    captions, features = _scored_captions(batches, device), mean_features(SCORED, device)
    return timed(_fastest([_table(model, features, captions, size) for size in TABLE_BATCH_SIZES], device), device)


def peaked_model(name: str, device: str) -> Captioner:
    """A model whose distributions are peaked, so that hypotheses end."""
    model = comparable_model(name, device).eval()
    with torch.no_grad():
        model.output.weight.mul_(10)
    return model


def clcap_captions(model: Captioner, features: ImageFeatures) -> Work:
    """Beam search for all images; returns their captions."""
    source, settings = FixedFeatures(features), DecodingSettings(beam=BEAM)
    return lambda: _unpadded(decode([model], [source], settings, never_generated=(UNKNOWN,)))


def peer_captions(model: nn.Module, features: ImageFeatures, batch_size: int) -> Work:
    """The other toolkit's beam search for all images, in batches; returns their captions."""
    blocks = [features[first : first + batch_size] for first in range(0, len(features), batch_size)]
    return torch.inference_mode()(
        lambda: [caption for block in blocks for caption in peer_beam_search(model, block, BEAM)]
    )


def _table(model: nn.Module, features: ImageFeatures, captions: tuple[Tensor, Tensor], batch_size: int) -> Work:
    blocks = [features[first : first + batch_size] for first in range(0, len(features), batch_size)]
    return torch.inference_mode()(lambda: torch.cat([peer_table(model, block, *captions) for block in blocks], dim=1))


def _unpadded(decoded: Decoded) -> list[list[int]]:
    rows = zip(decoded.captions.tolist(), decoded.lengths.tolist(), strict=True)
    return [words[:length] for words, length in rows]


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
