"""Captions drawn from the model's own distribution, for any captioner."""

import torch
from torch import Tensor

from clcap_cli.datasets.vocabulary import END
from clcap_cli.decoding.beam import Decoded
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import Rows


@torch.no_grad()
def sample(model: Captioner, visual: Rows, k: int, generator: torch.Generator) -> Decoded:
    """Draw k captions of each of the N images in ``visual`` from p(c|I): k × N rows, row j × N + i of image i.

    They are drawn from p(c|I) itself, so UNK is among the words. A caption of ``max_length`` words ends there; its
    ``log_probs`` counts END like any other's, so that it equals ``sequence_log_prob``, and is then less than the ln p
    with which it was drawn. ``generator`` must be on the model's device.
    """
    images, longest, device = len(visual), model.config.max_length, generator.device
    rows = k * images
    drawn = Decoded(
        torch.full((rows, longest), END, device=device),
        torch.zeros(rows, dtype=torch.int64, device=device),
        torch.zeros(rows, device=device),
    )
    alive = torch.arange(rows, device=device)  # rows that have not ended
    state, last = model.start(visual)[alive % images], torch.full_like(alive, model.start_token)
    for position in range(longest + 1):
        log_probs, state = model.step(visual, alive % images, state, last)
        words = _draw(log_probs, generator) if position < longest else torch.full_like(alive, END)
        drawn.log_probs[alive] += log_probs.gather(1, words.unsqueeze(1)).squeeze(1)
        going = words != END
        alive, state, last = alive[going], state[going], words[going]
        if not len(alive):
            break
        drawn.captions[alive, position] = last
        drawn.lengths[alive] += 1
    return drawn


def _draw(log_probs: Tensor, generator: torch.Generator) -> Tensor:
    """One word from each row of ``log_probs`` (B, V): (B,)."""
    # torch.multinomial makes a random number for every word of the vocabulary, which takes longer than the model does.
    cumulative = log_probs.exp().cumsum(dim=1)
    total = cumulative[:, -1:]
    point = torch.rand(total.shape, generator=generator, device=generator.device) * total
    return torch.searchsorted(cumulative, point, right=True).squeeze(1).clamp_(max=log_probs.shape[1] - 1)
