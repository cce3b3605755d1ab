"""The interface that decoding needs from a captioner, and ensembles of captioners that implement it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from clcap_cli.models.captioner import Captioner, CaptionerConfig
from clcap_cli.models.rows import ImageFeatures, Rows


class Predictor(Protocol):
    """A model that predicts the next token of a caption: a Captioner or an Ensemble."""

    @property
    def config(self) -> CaptionerConfig:
        """The configuration, for its special tokens and its maximum length."""

    def initial_state(self, encoded: Any) -> Any:
        """See Captioner."""

    def step(self, encoded: Any, image_index: Tensor, state: Any, tokens: Tensor) -> tuple[Tensor, Any]:
        """See Captioner."""


@dataclass(frozen=True)
class EnsembleState(Rows):
    """Corresponding rows of several models."""

    parts: tuple[Rows, ...]

    def __getitem__(self, rows: "Tensor | slice") -> "EnsembleState":
        return EnsembleState(tuple(part[rows] for part in self.parts))

    def __len__(self) -> int:
        return len(self.parts[0])


class Ensemble:
    """Several captioners with the same tokenizer whose next-token probabilities are averaged."""

    def __init__(self, models: Sequence[Captioner]):
        self.models = models

    @property
    def config(self) -> CaptionerConfig:
        """The configuration of the model with the smallest maximum length."""
        return min((model.config for model in self.models), key=lambda config: config.max_length)

    def encode(self, features: Sequence[ImageFeatures]) -> EnsembleState:
        """Encode the same images with each model, from each model's own features."""
        return EnsembleState(
            tuple(model.encode(model_features) for model, model_features in zip(self.models, features, strict=True))
        )

    def initial_state(self, encoded: EnsembleState) -> EnsembleState:
        """See Captioner."""
        return EnsembleState(
            tuple(model.initial_state(part) for model, part in zip(self.models, encoded.parts, strict=True))
        )

    def step(
        self, encoded: EnsembleState, image_index: Tensor, state: EnsembleState, tokens: Tensor
    ) -> tuple[Tensor, EnsembleState]:
        """See Captioner."""
        model_inputs = zip(self.models, encoded.parts, state.parts, strict=True)
        outputs = [model.step(part, image_index, model_state, tokens) for model, part, model_state in model_inputs]
        log_probs = torch.stack([log_prob for log_prob, _ in outputs]).logsumexp(0) - torch.tensor(len(outputs)).log()
        return log_probs, EnsembleState(tuple(new_state for _, new_state in outputs))

    def sequence_log_prob(
        self, encoded: EnsembleState, captions: Tensor, lengths: Tensor, image_index: Tensor
    ) -> Tensor:
        """See Captioner; computed token by token, since probabilities are averaged at each token."""
        end, position = self.config.end_token, torch.arange(captions.shape[1] + 1, device=captions.device)
        in_caption = position <= lengths.unsqueeze(1)  # (B, T + 1), the end token included
        targets = nn.functional.pad(captions, (0, 1), value=end).masked_fill(position >= lengths.unsqueeze(1), end)
        state, previous = self.initial_state(encoded)[image_index], torch.full_like(lengths, self.config.start_token)
        total = torch.zeros(len(captions), device=captions.device)
        for target, is_in_caption in zip(targets.T, in_caption.T, strict=True):
            log_probs, state = self.step(encoded, image_index, state, previous)
            total += log_probs.gather(1, target.unsqueeze(1)).squeeze(1).where(is_in_caption, 0)
            previous = target
        return total
