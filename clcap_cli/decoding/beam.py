"""Beam search over a batch of images, for any captioner."""

import torch
from torch import Tensor

from clcap_cli.decoding.constraints import MINUS_INFINITY, Constraints
from clcap_cli.decoding.decoded import Decoded
from clcap_cli.decoding.ensemble import Predictor
from clcap_cli.models.rows import Rows


@torch.inference_mode()
def beam_search(
    model: Predictor,
    encoded: Rows,
    beam: int,
    constraints: Constraints,
    length_penalty: float = 0.0,
    best: int = 1,
) -> Decoded:
    """The ``best`` captions of each of N images that a beam of ``beam`` hypotheses finds: N × best rows, by image.

    They are ranked by ln p(c|I) / (length + 1)^``length_penalty``; without a penalty that is ln p itself, as
    ``sequence_log_prob`` gives it. A beam of 1 is greedy search. Where an image has fewer captions, the last come
    again.
    """
    search = _Search(model, encoded, beam, constraints, length_penalty, best)
    while len(search.alive) and search.length <= constraints.longest:
        search.extend()
    return search.result()


class _Search:
    """The hypotheses of the images that are still being searched, and the best finished captions of every image."""

    def __init__(
        self, model: Predictor, encoded: Rows, beam: int, constraints: Constraints, length_penalty: float, best: int
    ):
        images, longest = len(encoded), constraints.longest
        self.model, self.encoded, self.beam, self.length = model, encoded, beam, 0
        self.constraints, self.penalty = constraints, length_penalty
        state = model.initial_state(encoded)
        device = _device(state)
        self.alive = torch.arange(images, device=device)  # (A,) images still being searched
        self.state = state[self._image()]  # A × beam rows
        self.scores = torch.full((images, beam), MINUS_INFINITY, device=device)  # (A, beam)
        self.scores[:, 0] = 0
        self.words = torch.full((images, beam, longest), constraints.end, device=device)  # (A, beam, longest)
        self.last = torch.full((images * beam,), model.config.start_token, device=device)
        self.rank = torch.full((images, best), MINUS_INFINITY, device=device)  # of the finished captions, best first
        self.log_probs = self.rank.clone()
        self.lengths = torch.zeros(images, best, dtype=torch.int64, device=device)
        self.captions = torch.full((images, best, longest), constraints.end, device=device)

    def _image(self) -> Tensor:
        """(A × beam,) the image of every hypothesis."""
        return self.alive.repeat_interleave(self.beam)

    def extend(self) -> None:
        """One token more for every hypothesis."""
        log_probs, state = self.model.step(self.encoded, self._image(), self.state, self.last)
        self.constraints.forbid_(log_probs, self.words[:, :, : self.length].flatten(0, 1))
        images, vocabulary = len(self.alive), log_probs.shape[1]
        totals = self.scores.unsqueeze(2) + log_probs.view(images, self.beam, vocabulary)
        self.scores, choice = totals.flatten(1).topk(self.beam)  # (A, beam)
        parent, word = choice // vocabulary, choice % vocabulary
        self.words = self.words.gather(1, parent.unsqueeze(2).expand_as(self.words))
        self._finish(word)
        if self.length < self.words.shape[2]:
            self.words[:, :, self.length] = word
        self.length += 1
        self._keep(state, parent, word)

    def _finish(self, word: Tensor) -> None:
        """Put hypotheses that now end among the best finished captions of their image, where they belong there."""
        ended = word == self.constraints.end
        rank = torch.where(ended, self._ranked(self.scores, self.length + 1), MINUS_INFINITY)
        rows = torch.nonzero((rank > self.rank[self.alive, -1:]).any(1)).squeeze(1)
        images = self.alive[rows]
        ranks = torch.cat([self.rank[images], rank[rows]], dim=1)
        # Stable, so that of equals the caption that was found first stays.
        self.rank[images], order = (part[:, : self.rank.shape[1]] for part in ranks.sort(descending=True, stable=True))
        lengths = torch.full_like(rank[rows], self.length, dtype=torch.int64)
        for kept, new in (
            (self.log_probs, self.scores[rows]),
            (self.lengths, lengths),
            (self.captions, self.words[rows]),
        ):
            every = torch.cat([kept[images], new], dim=1)
            kept[images] = every[torch.arange(len(rows), device=order.device).unsqueeze(1), order]
        self.scores = self.scores.masked_fill(ended, MINUS_INFINITY)

    def _keep(self, state: Rows, parent: Tensor, word: Tensor) -> None:
        """Go on with the images where an unfinished hypothesis can still become one of the best."""
        # ln p only falls as tokens are added; what a penalty makes of it is largest at one of the two ends.
        reach = self.constraints.longest + 1 if self.penalty > 0 else self.length + 1
        open_ = self._ranked(self.scores, reach).max(dim=1).values > self.rank[self.alive, -1]
        rows = torch.arange(len(self.alive), device=word.device).unsqueeze(1) * self.beam + parent
        self.state = state[rows[open_].flatten()]
        self.last = word[open_].flatten()
        self.words, self.scores, self.alive = self.words[open_], self.scores[open_], self.alive[open_]

    def _ranked(self, log_probs: Tensor, length: int) -> Tensor:
        return log_probs / length**self.penalty if self.penalty else log_probs

    def result(self) -> Decoded:
        """The finished captions, image by image."""
        found = (self.rank > MINUS_INFINITY).long().cumsum(1) - 1
        image = torch.arange(len(found), device=found.device).unsqueeze(1)
        place = found.cummax(1).values.clamp(min=0)
        rows = (part[image, place].flatten(0, 1) for part in (self.captions, self.lengths, self.log_probs))
        return Decoded(*rows)


def _device(rows: Rows) -> torch.device:
    """Where the tensors of ``rows`` are."""
    part = next(iter(vars(rows).values()))
    return part.device if isinstance(part, Tensor) else _device(part[0] if isinstance(part, tuple) else part)
