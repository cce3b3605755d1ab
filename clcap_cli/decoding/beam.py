"""Beam search for batches of images, with any captioner."""

from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.decoding.constraints import MINUS_INFINITY, Constraints
from clcap_cli.decoding.decoded import Decoded
from clcap_cli.decoding.ensemble import Predictor
from clcap_cli.decoding.finished import FinishedCaptions
from clcap_cli.decoding.top_tokens import top_tokens
from clcap_cli.models.rows import Rows


@torch.inference_mode()
def beam_search(
    model: Predictor,
    encoded: Rows,
    beam: int,
    constraints: Constraints,
    length_penalty: float = 0.0,
    num_captions: int = 1,
) -> Decoded:
    """The ``num_captions`` best captions of each of N images by beam search: N × num_captions rows, grouped by image.

    Captions are ranked by ln p(c|I) / (length + 1)^``length_penalty``; without a penalty this is ln p(c|I), as computed
    by ``sequence_log_prob``. A ``beam`` of 1 is greedy search. If fewer captions of an image finish, its last one is
    repeated.
    """
    search = _Search(model, encoded, beam, constraints, length_penalty, num_captions)
    while len(search.hypotheses) and search.hypotheses.length <= constraints.max_length:
        search.extend()
    return search.finished.decoded()


@dataclass(frozen=True)
class _Hypotheses(Rows):
    """H unfinished captions of the same length, at most ``beam`` per image."""

    image: Tensor
    """(H,) the row of the encoded images."""
    slot: Tensor
    """(H,) the position in the beam of the image."""
    log_prob: Tensor
    """(H,) ln p of the tokens."""
    tokens: Tensor
    """(H, 1 + length) the start token and the tokens of the caption."""
    state: Rows
    """The model's state before the last token."""

    @property
    def length(self) -> int:
        return self.tokens.shape[1] - 1


class _Search:
    """The hypotheses and the finished captions of N images."""

    def __init__(
        self,
        model: Predictor,
        encoded: Rows,
        beam: int,
        constraints: Constraints,
        length_penalty: float,
        num_captions: int,
    ):
        self.model, self.encoded, self.beam = model, encoded, beam
        self.constraints, self.penalty = constraints, length_penalty
        image = torch.arange(len(encoded), device=_device(encoded))
        start = torch.full_like(image, model.config.start_token).unsqueeze(1)
        log_prob = torch.zeros_like(image, dtype=torch.float32)
        self.hypotheses = _Hypotheses(image, torch.zeros_like(image), log_prob, start, model.initial_state(encoded))
        self.finished = FinishedCaptions(
            len(encoded), num_captions, constraints.max_length, constraints.end, image.device
        )

    def extend(self) -> None:
        """Extend the hypotheses by one token."""
        old = self.hypotheses
        log_probs, state = self.model.step(self.encoded, old.image, old.state, old.tokens[:, -1])
        self.constraints.mask_(log_probs, old.tokens[:, 1:])
        totals, parent, token = self._best_extensions(*top_tokens(log_probs, self.beam))
        self._store_finished(totals, parent, token)
        image, slot = torch.nonzero(self._is_open(totals, token), as_tuple=True)
        parent, token = parent[image, slot], token[image, slot]
        tokens = torch.cat([old.tokens[parent], token.unsqueeze(1)], dim=1)
        self.hypotheses = _Hypotheses(image, slot, totals[image, slot], tokens, state[parent])

    def _best_extensions(self, log_probs: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """ln p, hypothesis and token of the best extensions of each image, (N, beam) each.

        ``log_probs`` and ``tokens`` (H, k) are the likeliest tokens after each hypothesis. If an image has fewer
        extensions, the ln p of the others is minus infinity.
        """
        old, count, shape = self.hypotheses, tokens.shape[1], (len(self.encoded), self.beam)
        totals = log_probs.new_full((*shape, count), MINUS_INFINITY)
        totals[old.image, old.slot] = old.log_prob.unsqueeze(1) + log_probs
        hypothesis = tokens.new_zeros(shape)
        hypothesis[old.image, old.slot] = torch.arange(len(old), device=tokens.device)
        best, choice = totals.flatten(1).topk(self.beam)
        parent = hypothesis.gather(1, choice // count)
        return best, parent, tokens[parent, choice % count]

    def _store_finished(self, totals: Tensor, parent: Tensor, token: Tensor) -> None:
        """Store the extensions (N, beam) by the end token that are among the best finished captions."""
        scores = self._score(totals, self.hypotheses.length + 1).where(token == self.constraints.end, MINUS_INFINITY)
        images = torch.nonzero((scores > self.finished.threshold).any(1)).squeeze(1)
        captions = self.hypotheses.tokens[parent[images], 1:]
        self.finished.add(images, scores[images], totals[images], captions)

    def _is_open(self, totals: Tensor, token: Tensor) -> Tensor:
        """Which extensions (N, beam) are unfinished and can still become one of the best captions.

        The others need not be computed: whatever would take their place in the beam is less likely than they are, so
        it cannot become one of the best captions either.
        """
        # ln p only falls as tokens are added, so the best reachable score is at the maximum or at the next length.
        length = self.constraints.max_length + 1 if self.penalty > 0 else self.hypotheses.length + 2
        return (token != self.constraints.end) & (self._score(totals, length) > self.finished.threshold)

    def _score(self, log_probs: Tensor, length: int) -> Tensor:
        return log_probs / length**self.penalty if self.penalty else log_probs


def _device(rows: Rows) -> torch.device:
    """The device of the tensors of ``rows``."""
    part = next(iter(vars(rows).values()))
    return part.device if isinstance(part, Tensor) else _device(part[0] if isinstance(part, tuple) else part)
