"""Beam search over a batch of images, for any captioner."""

from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.datasets.vocabulary import END, UNK, Vocabulary
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import Rows

NEVER = float("-inf")


@dataclass(frozen=True)
class Decoded(Rows):
    """The captions that a search found, one an image."""

    captions: Tensor
    """(N, max_length) int64, END after the caption's end."""
    lengths: Tensor
    """(N,) int64, words; END not counted."""
    log_probs: Tensor
    """(N,) float32, ln p(c|I), END included."""

    def texts(self, vocabulary: Vocabulary) -> list[str]:
        """The captions as text."""
        rows = zip(self.captions.tolist(), self.lengths.tolist(), strict=True)
        return [vocabulary.decode(words[:length]) for words, length in rows]


@torch.inference_mode()
def beam_search(model: Captioner, visual: Rows, beam: int) -> Decoded:
    """The likeliest caption that a beam of ``beam`` hypotheses finds for each of the N images in ``visual``.

    Likeliest means the largest ln p(c|I), not divided by length, so it equals ``sequence_log_prob`` of the result. A
    beam of 1 is greedy search. UNK is never written; a caption of ``max_length`` words ends there.
    """
    search = _Search(model, visual, beam)
    while len(search.alive) and search.length <= model.config.max_length:
        search.extend()
    return search.found


class _Search:
    """The hypotheses of the images that are still being searched, and the best finished caption of every image."""

    def __init__(self, model: Captioner, visual: Rows, beam: int):
        images, longest = len(visual), model.config.max_length
        self.model, self.beam, self.length = model, beam, 0
        self.visual = visual
        device = next(model.parameters()).device
        self.alive = torch.arange(images, device=device)  # (A,) images still being searched
        self.state = model.start(visual)[self._image()]  # A × beam rows
        self.scores = torch.full((images, beam), NEVER, device=device)  # (A, beam)
        self.scores[:, 0] = 0
        self.words = torch.full((images, beam, longest), END, device=device)  # (A, beam, max_length)
        self.last = torch.full((images * beam,), model.start_token, device=device)
        self.found = Decoded(
            torch.full((images, longest), END, device=device),
            torch.zeros(images, dtype=torch.int64, device=device),
            torch.full((images,), NEVER, device=device),
        )

    def _image(self) -> Tensor:
        """(A × beam,) the image of every hypothesis."""
        return self.alive.repeat_interleave(self.beam)

    def extend(self) -> None:
        """One word more for every hypothesis."""
        log_probs, state = self.model.step(self.visual, self._image(), self.state, self.last)
        log_probs[:, UNK] = NEVER
        if self.length == self.model.config.max_length:
            log_probs[:, END + 1 :] = NEVER
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
        """Set aside hypotheses that END was added to, if they are the best so far of their image."""
        ended = torch.where(word == END, self.scores, NEVER)
        score, which = ended.max(dim=1)  # (A,)
        rows = torch.nonzero(score > self.found.log_probs[self.alive]).squeeze(1)
        images = self.alive[rows]
        self.found.captions[images] = self.words[rows, which[rows]]
        self.found.lengths[images] = self.length
        self.found.log_probs[images] = score[rows]
        self.scores = self.scores.masked_fill(word == END, NEVER)

    def _keep(self, state: Rows, parent: Tensor, word: Tensor) -> None:
        """Go on with the images where an unfinished hypothesis can still win: ln p only falls as words are added."""
        open_ = self.scores.max(dim=1).values > self.found.log_probs[self.alive]
        rows = torch.arange(len(self.alive), device=word.device).unsqueeze(1) * self.beam + parent
        self.state = state[rows[open_].flatten()]
        self.last = word[open_].flatten()
        self.words, self.scores, self.alive = self.words[open_], self.scores[open_], self.alive[open_]
