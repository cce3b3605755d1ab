"""Beam search for batches of images, with any captioner."""

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
    num_captions: int = 1,
) -> Decoded:
    """The ``num_captions`` best captions of each of N images by beam search: N × num_captions rows, grouped by image.

    Captions are ranked by ln p(c|I) / (length + 1)^``length_penalty``; without a penalty this is ln p(c|I), as computed
    by ``sequence_log_prob``. A ``beam`` of 1 is greedy search. If fewer captions of an image finish, its last one is
    repeated.
    """
    search = _Search(model, encoded, beam, constraints, length_penalty, num_captions)
    while len(search.active) and search.length <= constraints.max_length:
        search.extend()
    return search.result()


class _Search:
    """Hypotheses of the A active images, and the best finished captions of all images."""

    def __init__(
        self,
        model: Predictor,
        encoded: Rows,
        beam: int,
        constraints: Constraints,
        length_penalty: float,
        num_captions: int,
    ):
        images, max_length = len(encoded), constraints.max_length
        self.model, self.encoded, self.beam, self.length = model, encoded, beam, 0
        self.constraints, self.penalty = constraints, length_penalty
        state = model.initial_state(encoded)
        device = _device(state)
        self.active = torch.arange(images, device=device)  # (A,) images whose search is not finished
        self.state = state[self._image_index()]  # A × beam rows
        self.totals = torch.full((images, beam), MINUS_INFINITY, device=device)  # (A, beam) ln p of the hypotheses
        self.totals[:, 0] = 0
        self.tokens = torch.full((images, beam, max_length), constraints.end, device=device)  # (A, beam, T)
        self.last_tokens = torch.full((images * beam,), model.config.start_token, device=device)
        # The finished captions of each image, best first:
        self.best_scores = torch.full((images, num_captions), MINUS_INFINITY, device=device)
        self.log_probs = self.best_scores.clone()
        self.lengths = torch.zeros(images, num_captions, dtype=torch.int64, device=device)
        self.captions = torch.full((images, num_captions, max_length), constraints.end, device=device)

    def _image_index(self) -> Tensor:
        """(A × beam,) the image of each hypothesis."""
        return self.active.repeat_interleave(self.beam)

    def extend(self) -> None:
        """Extend the hypotheses by one token."""
        log_probs, state = self.model.step(self.encoded, self._image_index(), self.state, self.last_tokens)
        self.constraints.mask_(log_probs, self.tokens[:, :, : self.length].flatten(0, 1))
        images, vocabulary = len(self.active), log_probs.shape[1]
        candidates = self.totals.unsqueeze(2) + log_probs.view(images, self.beam, vocabulary)
        self.totals, choice = candidates.flatten(1).topk(self.beam)  # (A, beam)
        parent, token = choice // vocabulary, choice % vocabulary
        self.tokens = self.tokens.gather(1, parent.unsqueeze(2).expand_as(self.tokens))
        self._store_finished(token)
        if self.length < self.tokens.shape[2]:
            self.tokens[:, :, self.length] = token
        self.length += 1
        self._drop_finished_images(state, parent, token)

    def _store_finished(self, token: Tensor) -> None:
        """Merge hypotheses that end with this token into the best finished captions of their image."""
        is_finished = token == self.constraints.end
        scores = torch.where(is_finished, self._score(self.totals, self.length + 1), MINUS_INFINITY)
        rows = torch.nonzero((scores > self.best_scores[self.active, -1:]).any(1)).squeeze(1)
        images = self.active[rows]
        all_scores = torch.cat([self.best_scores[images], scores[rows]], dim=1)
        # The sort is stable, so that the caption found first wins a tie.
        self.best_scores[images], order = (
            part[:, : self.best_scores.shape[1]] for part in all_scores.sort(descending=True, stable=True)
        )
        lengths = torch.full_like(scores[rows], self.length, dtype=torch.int64)
        for best_rows, new in (
            (self.log_probs, self.totals[rows]),
            (self.lengths, lengths),
            (self.captions, self.tokens[rows]),
        ):
            merged = torch.cat([best_rows[images], new], dim=1)
            best_rows[images] = merged[torch.arange(len(rows), device=order.device).unsqueeze(1), order]
        self.totals = self.totals.masked_fill(is_finished, MINUS_INFINITY)

    def _drop_finished_images(self, state: Rows, parent: Tensor, token: Tensor) -> None:
        """Keep only images with an unfinished hypothesis that can still become one of the best captions."""
        # ln p only falls as tokens are added, so the best reachable score is at the maximum or at the next length.
        score_length = self.constraints.max_length + 1 if self.penalty > 0 else self.length + 1
        is_open = self._score(self.totals, score_length).max(dim=1).values > self.best_scores[self.active, -1]
        rows = torch.arange(len(self.active), device=token.device).unsqueeze(1) * self.beam + parent
        self.state = state[rows[is_open].flatten()]
        self.last_tokens = token[is_open].flatten()
        self.tokens, self.totals, self.active = self.tokens[is_open], self.totals[is_open], self.active[is_open]

    def _score(self, log_probs: Tensor, length: int) -> Tensor:
        return log_probs / length**self.penalty if self.penalty else log_probs

    def result(self) -> Decoded:
        """The finished captions, grouped by image."""
        last_found = (self.best_scores > MINUS_INFINITY).long().cumsum(1) - 1
        image_index = torch.arange(len(last_found), device=last_found.device).unsqueeze(1)
        position = last_found.cummax(1).values.clamp(min=0)
        rows = (part[image_index, position].flatten(0, 1) for part in (self.captions, self.lengths, self.log_probs))
        return Decoded(*rows)


def _device(rows: Rows) -> torch.device:
    """The device of the tensors of ``rows``."""
    part = next(iter(vars(rows).values()))
    return part.device if isinstance(part, Tensor) else _device(part[0] if isinstance(part, tuple) else part)
