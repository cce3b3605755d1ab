"""clcap's side of the comparisons with ImageCaptioning.pytorch, the peer, each to be timed in a process of its own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from clcap_cli.decoding.captioning import decode
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.retrieval.search import score_matrix
from clcap_cli.tokenizers.words import UNKNOWN
from clcap_cli.training.optimizer import make_optimizer
from clcap_cli.training.settings import Optimisation
from tests.benchmarks.batches import Batch, load_batches
from tests.benchmarks.measure import Side, standard_model, timed
from tests.benchmarks.steps import Step, clcap_log_probs
from tests.benchmarks.synthetic_data import World
from tests.benchmarks.trained_models import trained_model

BEAM, SCORED = 3, 100
"""Beam size, and number of captions and of images of a table of ln p."""
Work = Callable[[], Any]


def clcap_step(name: str, batches: str, device: str) -> Side:
    """The training step."""
    model, reference = (standard_model(name, device) for _ in range(2))
    optimizer = make_optimizer(model, Optimisation())
    return timed(Step(model, reference, clcap_log_probs, optimizer, batches_with_means(batches, device)), device)


def clcap_beam_search(name: str, images: int, trained: str, device: str) -> Side:
    """Beam search."""
    return timed(clcap_captions(trained_model(name, "mle", Path(trained), device), World(images, 2, device)), device)


def clcap_table(name: str, batches: str, device: str) -> Side:
    """ln p of ``SCORED`` captions for as many images."""
    model, (tokens, lengths) = standard_model(name, device).eval(), scored_captions(batches, device)
    images = World(SCORED, 2, device)
    return timed(lambda: score_matrix(model, images, tokens, lengths), device)


def clcap_captions(model: Captioner, images: FeatureSource) -> Work:
    """Beam search for all images; returns their captions."""
    settings = DecodingSettings(beam=BEAM)

    def captions() -> list[list[int]]:
        decoded = decode([model], [images], settings, never_generated=(UNKNOWN,))
        rows = zip(decoded.captions.tolist(), decoded.lengths.tolist(), strict=True)
        return [words[:length] for words, length in rows]

    return captions


def batches_with_means(path: str, device: str) -> list[Batch]:
    """Stored batches whose pooled features are the means of the regions, as the peer's Adaptive Attention expects."""
    batches = load_batches(Path(path), device)
    grid = batches[0].features.grid  # the same in all batches
    return [replace(batch, features=ImageFeatures(grid.mean(1), grid)) for batch in batches]


def scored_captions(batches: str, device: str) -> tuple[Tensor, Tensor]:
    """The last captions of a batch, which are of different photos."""
    batch = load_batches(Path(batches), device)[0]
    return batch.tokens[-SCORED:], batch.lengths[-SCORED:]
