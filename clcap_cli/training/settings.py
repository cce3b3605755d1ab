"""Training settings that all objectives share."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt, Le

from clcap_cli.errors import InvalidValueError
from clcap_cli.options import Option, Panel

CLIP, WEIGHT_DECAY = 0.1, 0.01
"""Defaults of --clip without --clip-norm, and of --weight-decay with adamw."""
SelectBy = Literal["loss", "mean-rank", "cider"]


@dataclass(frozen=True)
class Optimisation:
    """Optimiser, learning rate, selection and stopping."""

    epochs: Annotated[int, Ge(1), Option("Maximum number of epochs.", Panel.OPTIMISATION)] = 30
    max_steps: Annotated[
        int | None, Ge(1), Option("Maximum number of optimiser steps.", Panel.OPTIMISATION, "no limit beside --epochs")
    ] = None
    eval_every: Annotated[
        int | None, Ge(1), Option("Number of steps between validations.", Panel.OPTIMISATION, "one epoch")
    ] = None
    patience: Annotated[
        int,
        Ge(1),
        Option("Number of validations without improvement after which training stops.", Panel.OPTIMISATION),
    ] = 5
    select_by: Annotated[
        SelectBy,
        Option(
            "Validation metric that selects the best checkpoint: mean rank is that of self-retrieval.",
            Panel.OPTIMISATION,
        ),
    ] = "loss"
    optimizer: Annotated[Literal["adam", "adamw"], Option("Optimiser.", Panel.OPTIMISATION)] = "adam"
    lr: Annotated[
        float, Ge(0), Le(1000), Option("Peak learning rate, reached after the warm-up.", Panel.OPTIMISATION)
    ] = 1e-3
    schedule: Annotated[
        Literal["cosine", "cosine-by-epoch", "constant"],
        Option("Decay of the learning rate to 0: at every step, at every epoch, or none.", Panel.OPTIMISATION),
    ] = "cosine"
    warmup_steps: Annotated[
        int, Ge(0), Option("Number of steps over which the learning rate rises linearly from 0.", Panel.OPTIMISATION)
    ] = 0
    weight_decay: Annotated[
        float | None,
        Ge(0),
        Option("Weight decay of weight matrices, with --optimizer adamw.", Panel.OPTIMISATION, f"{WEIGHT_DECAY}"),
    ] = None
    clip: Annotated[
        float | None,
        Gt(0),
        Option(
            "Maximum absolute value of each gradient element.", Panel.OPTIMISATION, f"{CLIP}, with --clip-norm none"
        ),
    ] = None
    clip_norm: Annotated[
        float | None, Gt(0), Option("Maximum norm of all gradients together.", Panel.OPTIMISATION, "none")
    ] = None
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        Option(
            "Precision of matrix products; auto takes bf16 where the device has instructions for it.",
            Panel.COMPUTATION,
        ),
    ] = "auto"

    def __post_init__(self) -> None:
        if self.weight_decay is not None and self.optimizer != "adamw":
            raise InvalidValueError("weight_decay", f"--optimizer {self.optimizer} has none; give --optimizer adamw")
        if self.clip is not None and self.clip_norm is not None:
            raise InvalidValueError("clip_norm", "--clip bounds each gradient by itself; give one of the two")
        if self.max_steps is not None and self.warmup_steps >= self.max_steps:
            raise InvalidValueError(
                "warmup_steps", f"the warm-up's {self.warmup_steps} steps are all of --max-steps {self.max_steps}"
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
            "Maximum number of tokens computed at once; bounds memory and leaves the gradients unchanged.",
            Panel.COMPUTATION,
            "a whole batch",
        ),
    ] = None
