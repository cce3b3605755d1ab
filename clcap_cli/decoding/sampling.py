"""Sampling of captions, optionally with temperature, top-k and top-p, with any captioner."""

from collections.abc import Callable

import torch
from torch import Tensor

from clcap_cli.decoding.constraints import MINUS_INFINITY, Constraints
from clcap_cli.decoding.decoded import Decoded
from clcap_cli.decoding.ensemble import Predictor
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.models.rows import Rows


@torch.no_grad()
def sample(
    model: Predictor,
    encoded: Rows,
    k: int,
    noise: Tensor,
    constraints: Constraints | None = None,
    warp: Callable[[Tensor], Tensor] = lambda log_probs: log_probs,
) -> Decoded:
    """Sample k captions of each of the N images in ``encoded`` from p(c|I): k × N rows, row j × N + i for image i.

    Without ``constraints`` any token can be sampled, also the unknown token, and captions are cut at the model's
    maximum length. ``warp`` maps ln p (B, V) to the unnormalised ln p to sample from. The returned ``log_probs`` are
    the model's own, the end token always included, so they equal ``sequence_log_prob``. ``noise`` is that of
    ``sampling_noise`` for these images, on the model's device.
    """
    config, device = model.config, noise.device
    constraints = constraints or Constraints(config.end_token, 0, config.max_length)
    images, max_length, noise = len(encoded), constraints.max_length, noise.flatten(1)
    rows = k * images
    decoded = Decoded(
        torch.full((rows, max_length), constraints.end, device=device),
        torch.zeros(rows, dtype=torch.int64, device=device),
        torch.zeros(rows, device=device),
    )
    active = torch.arange(rows, device=device)  # rows whose caption has not ended
    state, last_tokens = model.initial_state(encoded)[active % images], torch.full_like(active, config.start_token)
    for length in range(max_length + 1):
        log_probs, state = model.step(encoded, active % images, state, last_tokens)
        allowed = log_probs.clone()
        constraints.mask_(allowed, decoded.captions[active, :length])
        tokens = _sample_tokens(warp(allowed), constraints.end, noise[length, active])
        decoded.log_probs[active] += log_probs.gather(1, tokens.unsqueeze(1)).squeeze(1)
        unfinished = tokens != constraints.end
        active, state, last_tokens = active[unfinished], state[unfinished], tokens[unfinished]
        if not len(active):
            break
        decoded.captions[active, length] = last_tokens
        decoded.lengths[active] += 1
    return decoded


def sampling_noise(max_length: int, k: int, images: int, generator: torch.Generator) -> Tensor:
    """Random numbers for ``sample``: (max_length + 1, k, images), uniform in [0, 1).

    Each caption has its own, so that it does not depend on the images that it is sampled together with.
    """
    return torch.rand(max_length + 1, k, images, generator=generator, device=generator.device)


def logits_warper(settings: DecodingSettings) -> Callable[[Tensor], Tensor]:
    """A function that applies temperature, top-k and top-p, in this order, as far as they are set."""

    def warp(log_probs: Tensor) -> Tensor:
        if settings.temperature is not None:
            log_probs = log_probs / settings.temperature
        if settings.top_k is not None:
            threshold = log_probs.topk(min(settings.top_k, log_probs.shape[1])).values[:, -1:]
            log_probs = log_probs.masked_fill(log_probs < threshold, MINUS_INFINITY)
        return log_probs if settings.top_p is None else _nucleus(log_probs, settings.top_p)

    return warp


def _nucleus(log_probs: Tensor, top_p: float) -> Tensor:
    """Keep the fewest likeliest tokens whose total probability reaches ``top_p``; minus infinity for the others."""
    sorted_log_probs, order = log_probs.sort(descending=True)
    probs = sorted_log_probs.softmax(1)
    excluded = probs.cumsum(1) - probs >= top_p
    return log_probs.scatter(1, order, sorted_log_probs.masked_fill(excluded, MINUS_INFINITY))


def _sample_tokens(log_probs: Tensor, end: int, noise: Tensor) -> Tensor:
    """Sample one token (B,) per row of unnormalised ln p (B, V) by ``noise`` (B,), uniform in [0, 1).

    The end token if all tokens are excluded.
    """
    # torch.multinomial draws a random number per token of the vocabulary, which takes longer than the model itself.
    cumulative = (log_probs - log_probs.amax(1, keepdim=True).clamp(min=-1e30)).exp().cumsum(dim=1)
    total = cumulative[:, -1:]
    threshold = noise.unsqueeze(1) * total
    tokens = torch.searchsorted(cumulative, threshold, right=True).squeeze(1).clamp_(max=log_probs.shape[1] - 1)
    return torch.where(total.squeeze(1) > 0, tokens, end)
