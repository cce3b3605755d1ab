"""Which tokens may follow."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.errors import InvalidValueError
from clcap_cli.models.captioner import CaptionerConfig

MINUS_INFINITY = float("-inf")


@dataclass(frozen=True)
class Constraints:
    """What a caption must not hold."""

    end: int
    shortest: int
    """Tokens before which a caption does not end."""
    longest: int
    """Tokens after which it does."""
    never_generated: Sequence[int] = ()
    no_repeat_ngram: int = 0
    """N-grams of so many tokens come once; 0 for any number."""

    def forbid_(self, log_probs: Tensor, written: Tensor) -> None:
        """Set ln p (B, V) of tokens that must not follow the tokens ``written`` (B, t) to minus infinity, in place.

        Where no other token may follow the caption ends, also before it is as long as it should be.
        """
        length = written.shape[1]
        if length == self.longest:
            ends = log_probs[:, self.end].clone()
            log_probs.fill_(MINUS_INFINITY)
            log_probs[:, self.end] = ends
            return
        log_probs[:, list(self.never_generated)] = MINUS_INFINITY
        if 0 < self.no_repeat_ngram <= length:
            self._forbid_repeats_(log_probs, written)
        if length < self.shortest:
            self._forbid_end_(log_probs)

    def _forbid_end_(self, log_probs: Tensor) -> None:
        ends = log_probs[:, self.end].clone()
        log_probs[:, self.end] = MINUS_INFINITY
        log_probs[:, self.end] = torch.where((log_probs == MINUS_INFINITY).all(1), ends, MINUS_INFINITY)

    def _forbid_repeats_(self, log_probs: Tensor, written: Tensor) -> None:
        before = self.no_repeat_ngram - 1
        grams = written.unfold(1, self.no_repeat_ngram, 1)  # (B, places, n)
        last = written[:, written.shape[1] - before :].unsqueeze(1)
        row, place = torch.nonzero((grams[:, :, :before] == last).all(2), as_tuple=True)
        log_probs[row, grams[row, place, before]] = MINUS_INFINITY


def constraints_for(settings: DecodingSettings, config: CaptionerConfig, never_generated: Sequence[int]) -> Constraints:
    """The constraints that settings put on captions of a model; ``never_generated`` are its tokenizer's.

    Raises InvalidValueError for a least length above the greatest.
    """
    longest = settings.max_words or config.max_length
    if settings.min_words > longest:
        raise InvalidValueError(
            "min_words", f"the model's captions have {longest} tokens at most; more are written with --max-words"
        )
    return Constraints(config.end_token, settings.min_words, longest, never_generated, settings.no_repeat_ngram)
