"""Training settings that all objectives share."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal, Self

from annotated_types import Ge, Le

from clcap_cli.errors import InvalidValueError
from clcap_cli.options import Option, Panel

CLIP, WEIGHT_DECAY = 0.1, 0.01
"""Defaults of --clip without --clip-norm, and of --weight-decay with adamw."""
SMALLEST_CLIP, LARGEST_CLIP = 1e-9, 1e9
"""Limits of --clip and --clip-norm, far within those of float32."""
MAX_RANK = 1024
"""Largest rank of LoRA adapters."""
SelectBy = Literal["loss", "mean-rank", "cider"]


@dataclass(frozen=True)
class Optimisation:
    """Optimiser, learning rate, selection and stopping."""

    epochs: Annotated[int, Ge(1), Option("Maximum number of epochs.", Panel.OPTIMISATION)] = 30
    max_steps: Annotated[
        int | None, Ge(1), Option("Maximum number of optimiser steps.", Panel.OPTIMISATION, "unlimited")
    ] = None
    eval_every: Annotated[
        int | None, Ge(1), Option("Number of steps between validations.", Panel.OPTIMISATION, "one epoch")
    ] = None
    patience: Annotated[
        int,
        Ge(1),
        Option("Number of validations in a row without improvement after which training stops.", Panel.OPTIMISATION),
    ] = 5
    select_by: Annotated[
        SelectBy,
        Option(
            "Validation metric that selects the best checkpoint; mean-rank is the mean rank in self-retrieval.",
            Panel.OPTIMISATION,
        ),
    ] = "loss"
    optimizer: Annotated[Literal["adam", "adamw"], Option("Optimiser.", Panel.OPTIMISATION)] = "adam"
    lr: Annotated[
        float, Ge(0), Le(1000), Option("Peak learning rate, reached after the warm-up.", Panel.OPTIMISATION)
    ] = 1e-3
    encoder_lr: Annotated[
        float,
        Ge(0),
        Le(1000),
        Option("Peak learning rate of the image encoder, with --train-encoder.", Panel.OPTIMISATION),
    ] = 1e-5
    schedule: Annotated[
        Literal["cosine", "cosine-by-epoch", "constant"],
        Option(
            "Learning-rate schedule: cosine decay to 0, updated every step or every epoch, or a constant rate.",
            Panel.OPTIMISATION,
        ),
    ] = "cosine"
    warmup_steps: Annotated[
        int, Ge(0), Option("Number of steps over which the learning rate rises linearly from 0.", Panel.OPTIMISATION)
    ] = 0
    weight_decay: Annotated[
        float | None,
        Ge(0),
        Le(1000),
        Option("Weight decay of weight matrices, with --optimizer adamw.", Panel.OPTIMISATION, f"{WEIGHT_DECAY}"),
    ] = None
    clip: Annotated[
        float | None,
        Ge(SMALLEST_CLIP),
        Le(LARGEST_CLIP),
        Option(
            "Maximum absolute value of each gradient element.",
            Panel.OPTIMISATION,
            f"{CLIP}; none if --clip-norm is given",
        ),
    ] = None
    clip_norm: Annotated[
        float | None,
        Ge(SMALLEST_CLIP),
        Le(LARGEST_CLIP),
        Option("Maximum Euclidean norm of the whole gradient.", Panel.OPTIMISATION, "none"),
    ] = None
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        Option(
            "Precision of matrix products; auto uses bf16 where the device has instructions for it.",
            Panel.COMPUTATION,
        ),
    ] = "auto"

    def __post_init__(self) -> None:
        if self.weight_decay is not None and self.optimizer != "adamw":
            raise InvalidValueError(
                "weight_decay", f"--optimizer {self.optimizer} has no weight decay; give --optimizer adamw"
            )
        if self.clip is not None and self.clip_norm is not None:
            raise InvalidValueError("clip_norm", "--clip is given too; give one of the two")
        if self.max_steps is not None and self.warmup_steps >= self.max_steps:
            raise InvalidValueError(
                "warmup_steps", f"{self.warmup_steps} is not less than --max-steps {self.max_steps}"
            )

    def resolved(self) -> Self:
        """A copy with the defaults that depend on other fields filled in."""
        decay = WEIGHT_DECAY if self.weight_decay is None and self.optimizer == "adamw" else self.weight_decay
        clip = CLIP if self.clip is None and self.clip_norm is None else self.clip
        return replace(self, weight_decay=decay, clip=clip)


@dataclass(frozen=True)
class BatchSettings:
    """Sizes of batches."""

    batch_size: Annotated[
        int, Ge(1), Option("Number of images in a batch; each comes with all its captions.", Panel.OPTIMISATION)
    ] = 20
    max_tokens: Annotated[
        int | None,
        Ge(1),
        Option(
            "Maximum number of tokens per micro-batch; gradients are accumulated, so results stay the same.",
            Panel.COMPUTATION,
            "the whole batch",
        ),
    ] = None


@dataclass(frozen=True)
class FineTuning:
    """Which weights of a model are trained, and how their gradients are computed."""

    lora: Annotated[
        int | None,
        Ge(1),
        Le(MAX_RANK),
        Option(
            "Train only LoRA adapters of this rank in the attention and feed-forward layers of a captioner of Hugging "
            "Face; alpha is twice the rank.",
            Panel.MODEL,
            "no adapters",
            placeholder="RANK",
        ),
    ] = None
    train_layers: Annotated[
        list[str] | None,
        Option(
            "Train only the weights whose names match, such as 'output.*'; with --lora, besides the adapters.",
            Panel.MODEL,
            "all weights; with --lora, none",
            placeholder="PATTERN",
        ),
    ] = None
    gradient_checkpointing: Annotated[
        bool,
        Option(
            "Compute what is within the layers of a captioner of Hugging Face again in the backward pass, instead of "
            "keeping it in memory; gradients stay the same.",
            Panel.COMPUTATION,
            name="--gradient-checkpointing",
        ),
    ] = False

    @property
    def is_partial(self) -> bool:
        """Whether some weights are not trained."""
        return self.lora is not None or bool(self.train_layers)
