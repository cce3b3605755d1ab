"""Constraints on the tokens of a decoded caption."""

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
    """Tokens, lengths and repetitions that decoding excludes."""

    end: int
    """Id of the end token."""
    min_length: int
    """Minimum number of tokens."""
    max_length: int
    """Maximum number of tokens."""
    never_generated: Sequence[int] = ()
    """Ids of excluded tokens."""
    no_repeat_ngram: int = 0
    """Length of n-grams that occur at most once in a caption; 0: no limit."""

    def mask_(self, log_probs: Tensor, prefixes: Tensor) -> None:
        """Set ln p (B, V) of tokens that must not follow the ``prefixes`` (B, t) to minus infinity, in place.

        If all other tokens are excluded, the end token is allowed even before the minimum length.
        """
        length = prefixes.shape[1]
        if length == self.max_length:
            end_log_probs = log_probs[:, self.end].clone()
            log_probs.fill_(MINUS_INFINITY)
            log_probs[:, self.end] = end_log_probs
            return
        log_probs[:, list(self.never_generated)] = MINUS_INFINITY
        if 0 < self.no_repeat_ngram <= length:
            self._mask_repeats_(log_probs, prefixes)
        if length < self.min_length:
            self._mask_end_(log_probs)

    def _mask_end_(self, log_probs: Tensor) -> None:
        end_log_probs = log_probs[:, self.end].clone()
        log_probs[:, self.end] = MINUS_INFINITY
        log_probs[:, self.end] = torch.where((log_probs == MINUS_INFINITY).all(1), end_log_probs, MINUS_INFINITY)

    def _mask_repeats_(self, log_probs: Tensor, prefixes: Tensor) -> None:
        context_length = self.no_repeat_ngram - 1
        ngrams = prefixes.unfold(1, self.no_repeat_ngram, 1)  # (B, positions, n)
        context = prefixes[:, prefixes.shape[1] - context_length :].unsqueeze(1)
        row, position = torch.nonzero((ngrams[:, :, :context_length] == context).all(2), as_tuple=True)
        log_probs[row, ngrams[row, position, context_length]] = MINUS_INFINITY


def constraints_for(settings: DecodingSettings, config: CaptionerConfig, never_generated: Sequence[int]) -> Constraints:
    """The constraints on captions of a model; ``never_generated`` are the tokens that its tokenizer excludes.

    Raises InvalidValueError for a minimum length above the maximum length.
    """
    max_length = settings.max_words or config.max_length
    if settings.min_words > max_length:
        raise InvalidValueError(
            "min_words",
            f"{settings.min_words} is more than the model's maximum of {max_length} tokens; set --max-words too",
        )
    return Constraints(config.end_token, settings.min_words, max_length, never_generated, settings.no_repeat_ngram)
