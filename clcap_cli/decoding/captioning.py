"""Captions for many images, a block at a time."""

from collections.abc import Callable, Iterable, Sequence

import torch

from clcap_cli.compute.random_streams import torch_seed
from clcap_cli.decoding.beam import beam_search
from clcap_cli.decoding.constraints import Constraints, constraints_of
from clcap_cli.decoding.decoded import Decoded
from clcap_cli.decoding.ensemble import Ensemble, Predictor
from clcap_cli.decoding.sampling import reshaping, sample
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import Rows, joined


@torch.inference_mode()
def decode(
    models: Sequence[Captioner],
    sources: Sequence[FeatureSource],
    settings: DecodingSettings,
    never_written: Sequence[int],
    seed: int = 0,
    watch: Callable[[Iterable, int], Iterable] = lambda blocks, total: blocks,
) -> Decoded:
    """The captions of every image, in order: ``num_captions`` rows for each.

    Several models, each with its own source of the same images, are an ensemble. ``never_written`` are the tokens that
    their tokenizer excludes; ``seed`` is that of sampling. ``watch`` is given the blocks of work and their number, and
    passes them on.
    """
    model: Predictor = models[0] if len(models) == 1 else Ensemble(models)
    constraints = constraints_of(settings, model.config, never_written)
    generator = torch.Generator(sources[0].device).manual_seed(torch_seed(seed, "decoding"))
    blocks, found = sources[0].blocks(), []
    for block in watch(blocks, len(blocks)):
        seen = [source.read(block) for source in sources]
        visual: Rows = model.encode(seen) if isinstance(model, Ensemble) else models[0].encode(seen[0])
        found.append(_decoded(model, visual, settings, constraints, generator))
    return joined(found)


def _decoded(
    model: Predictor, visual: Rows, settings: DecodingSettings, constraints: Constraints, generator: torch.Generator
) -> Decoded:
    best = settings.num_captions
    if not settings.samples:
        return beam_search(model, visual, settings.width, constraints, settings.length_penalty, best)
    drawn = sample(model, visual, best, generator, constraints, reshaping(settings))
    by_image = torch.arange(best * len(visual), device=generator.device).view(best, -1).T.flatten()
    return drawn[by_image]
