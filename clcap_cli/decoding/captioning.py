"""Decoding of captions for many images, one block of images at a time."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from clcap_cli.compute.collectives import computed_together
from clcap_cli.compute.random_streams import torch_seed
from clcap_cli.decoding.beam import beam_search
from clcap_cli.decoding.constraints import Constraints, constraints_for
from clcap_cli.decoding.decoded import Decoded
from clcap_cli.decoding.ensemble import Ensemble, Predictor
from clcap_cli.decoding.sampling import logits_warper, sample, sampling_noise
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.features.source import BLOCK_SIZE, FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import Rows, concatenate

OnBlock = Callable[[Rows, Decoded], None]


def ignore_block(encoded: Rows, decoded: Decoded) -> None:
    """Do nothing with a block of encoded images and their captions."""


@torch.inference_mode()
def decode(
    models: Sequence[Captioner],
    sources: Sequence[FeatureSource],
    settings: DecodingSettings,
    never_generated: Sequence[int],
    seed: int = 0,
    track: Callable[[Iterable, int], Iterable] = lambda blocks, total: blocks,
    on_block: OnBlock = ignore_block,
) -> Decoded:
    """Decode captions of all images: ``num_captions`` rows per image, in the order of the images.

    Several models form an ensemble; each has its own source of features of the same images. ``never_generated`` are
    the tokens that the tokenizer excludes, and ``seed`` is the seed of sampling. ``track`` wraps an iterable of known
    length to show progress, and ``on_block`` gets each block of encoded images with its captions. Several processes
    share the blocks.
    """
    model: Predictor = models[0] if len(models) == 1 else Ensemble(models)
    constraints = constraints_for(settings, model.config, never_generated)
    generator = torch.Generator(sources[0].device).manual_seed(torch_seed(seed, "decoding"))
    size = min(model.images_at_once(BLOCK_SIZE) for model in models)
    noise = _noise(settings, constraints.max_length, len(sources[0]), generator)

    def decode_blocks(blocks: Sequence[np.ndarray]) -> list[Tensor]:
        decoded = []
        for block in track(blocks, len(blocks)):
            features = [source.read(block) for source in sources]
            encoded: Rows = model.encode(features) if isinstance(model, Ensemble) else models[0].encode(features[0])
            decoded.append(_decode_block(model, encoded, settings, constraints, noise[..., block]))
            on_block(encoded, decoded[-1])
        together = concatenate(decoded)
        return [together.captions, together.lengths, together.log_probs]

    return Decoded(*computed_together(sources[0].blocks(size), decode_blocks))


def _noise(settings: DecodingSettings, max_length: int, images: int, generator: torch.Generator) -> Tensor:
    """Random numbers for all images; none if captions are not sampled."""
    return sampling_noise(max_length, settings.num_captions if settings.is_sampling else 0, images, generator)


def _decode_block(
    model: Predictor, encoded: Rows, settings: DecodingSettings, constraints: Constraints, noise: Tensor
) -> Decoded:
    num_captions = settings.num_captions
    if not settings.is_sampling:
        return beam_search(model, encoded, settings.beam_width, constraints, settings.length_penalty, num_captions)
    samples = sample(model, encoded, num_captions, noise, constraints, logits_warper(settings))
    order = torch.arange(num_captions * len(encoded), device=noise.device).view(num_captions, -1).T.flatten()
    return samples[order]
