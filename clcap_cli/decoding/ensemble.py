"""What decoding needs of a captioner, or of several together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from clcap_cli.models.captioner import Captioner, CaptionerConfig
from clcap_cli.models.rows import ImageFeatures, Rows


class Predictor(Protocol):
    """Predicts the next token of a caption; a Captioner is one."""

    @property
    def config(self) -> CaptionerConfig:
        """Its tokens and greatest length."""

    def initial_state(self, encoded: Any) -> Any:
        """See Captioner."""

    def step(self, encoded: Any, image_index: Tensor, state: Any, tokens: Tensor) -> tuple[Tensor, Any]:
        """See Captioner."""


@dataclass(frozen=True)
class EnsembleState(Rows):
    """Rows of several models, which belong together."""

    parts: tuple[Rows, ...]

    def __getitem__(self, rows: "Tensor | slice") -> "EnsembleState":
        return EnsembleState(tuple(part[rows] for part in self.parts))

    def __len__(self) -> int:
        return len(self.parts[0])


class Ensemble:
    """Several captioners of one tokenizer whose probabilities of the next token are averaged."""

    def __init__(self, models: Sequence[Captioner]):
        self.models = models

    @property
    def config(self) -> CaptionerConfig:
        """The configuration of the model that writes the shortest captions."""
        return min((model.config for model in self.models), key=lambda config: config.max_length)

    def encode(self, features: Sequence[ImageFeatures]) -> EnsembleState:
        """The same images as each model sees them."""
        return EnsembleState(tuple(model.encode(seen) for model, seen in zip(self.models, features, strict=True)))

    def initial_state(self, encoded: EnsembleState) -> EnsembleState:
        """See Captioner."""
        return EnsembleState(
            tuple(model.initial_state(own) for model, own in zip(self.models, encoded.parts, strict=True))
        )

    def step(
        self, encoded: EnsembleState, image_index: Tensor, state: EnsembleState, tokens: Tensor
    ) -> tuple[Tensor, EnsembleState]:
        """See Captioner."""
        players = zip(self.models, encoded.parts, state.parts, strict=True)
        found = [model.step(own, image_index, before, tokens) for model, own, before in players]
        log_probs = torch.stack([log_prob for log_prob, _ in found]).logsumexp(0) - torch.tensor(len(found)).log()
        return log_probs, EnsembleState(tuple(after for _, after in found))

    def sequence_log_prob(
        self, encoded: EnsembleState, captions: Tensor, lengths: Tensor, image_index: Tensor
    ) -> Tensor:
        """See Captioner; word by word, because the models' probabilities are averaged at every word."""
        end, place = self.config.end_token, torch.arange(captions.shape[1] + 1, device=captions.device)
        counts = place <= lengths.unsqueeze(1)  # (B, T + 1), the end token included
        words = nn.functional.pad(captions, (0, 1), value=end).masked_fill(place >= lengths.unsqueeze(1), end)
        state, last = self.initial_state(encoded)[image_index], torch.full_like(lengths, self.config.start_token)
        total = torch.zeros(len(captions), device=captions.device)
        for word, counted in zip(words.T, counts.T, strict=True):
            log_probs, state = self.step(encoded, image_index, state, last)
            total += log_probs.gather(1, word.unsqueeze(1)).squeeze(1).where(counted, 0)
            last = word
        return total
