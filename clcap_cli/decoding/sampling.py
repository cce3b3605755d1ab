"""Captions drawn from the model's own distribution, or from its likelier part, for any captioner."""

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
    generator: torch.Generator,
    constraints: Constraints | None = None,
    reshape: Callable[[Tensor], Tensor] = lambda log_probs: log_probs,
) -> Decoded:
    """Draw k captions of each of the N images in ``encoded`` from p(c|I): k × N rows, row j × N + i of image i.

    Without ``constraints`` every token can be drawn, the unknown one included, and a caption of the model's greatest
    length ends there. ``reshape`` makes of ln p (B, V) the unnormalised ln p that is drawn from. ``log_probs`` are the
    model's own, with the end token counted like any other, so that they equal ``sequence_log_prob``. ``generator``
    must be on the model's device.
    """
    config, device = model.config, generator.device
    constraints = constraints or Constraints(config.end_token, 0, config.max_length)
    images, longest = len(encoded), constraints.longest
    rows = k * images
    drawn = Decoded(
        torch.full((rows, longest), constraints.end, device=device),
        torch.zeros(rows, dtype=torch.int64, device=device),
        torch.zeros(rows, device=device),
    )
    alive = torch.arange(rows, device=device)  # rows that have not ended
    state, last = model.initial_state(encoded)[alive % images], torch.full_like(alive, config.start_token)
    for length in range(longest + 1):
        log_probs, state = model.step(encoded, alive % images, state, last)
        allowed = log_probs.clone()
        constraints.forbid_(allowed, drawn.captions[alive, :length])
        words = _draw(reshape(allowed), constraints.end, generator)
        drawn.log_probs[alive] += log_probs.gather(1, words.unsqueeze(1)).squeeze(1)
        going = words != constraints.end
        alive, state, last = alive[going], state[going], words[going]
        if not len(alive):
            break
        drawn.captions[alive, length] = last
        drawn.lengths[alive] += 1
    return drawn


def reshaping(settings: DecodingSettings) -> Callable[[Tensor], Tensor]:
    """Temperature, then top-k, then top-p, as far as they are set."""

    def reshape(log_probs: Tensor) -> Tensor:
        if settings.temperature is not None:
            log_probs = log_probs / settings.temperature
        if settings.top_k is not None:
            least = log_probs.topk(min(settings.top_k, log_probs.shape[1])).values[:, -1:]
            log_probs = log_probs.masked_fill(log_probs < least, MINUS_INFINITY)
        return log_probs if settings.top_p is None else _nucleus(log_probs, settings.top_p)

    return reshape


def _nucleus(log_probs: Tensor, top_p: float) -> Tensor:
    """The likeliest tokens whose probabilities reach ``top_p`` together, at least one; minus infinity for the rest."""
    ordered, place = log_probs.sort(descending=True)
    probs = ordered.softmax(1)
    cut = probs.cumsum(1) - probs >= top_p
    return log_probs.scatter(1, place, ordered.masked_fill(cut, MINUS_INFINITY))


def _draw(log_probs: Tensor, end: int, generator: torch.Generator) -> Tensor:
    """One token from each row of unnormalised ln p (B, V): (B,); the end token where nothing is allowed."""
    # torch.multinomial makes a random number for every token of the vocabulary, which takes longer than the model does.
    cumulative = (log_probs - log_probs.amax(1, keepdim=True).clamp(min=-1e30)).exp().cumsum(dim=1)
    total = cumulative[:, -1:]
    point = torch.rand(total.shape, generator=generator, device=generator.device) * total
    drawn = torch.searchsorted(cumulative, point, right=True).squeeze(1).clamp_(max=log_probs.shape[1] - 1)
    return torch.where(total.squeeze(1) > 0, drawn, end)
