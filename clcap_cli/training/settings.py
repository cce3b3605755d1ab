"""How a captioner is trained, whatever the objective."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt, Le

from clcap_cli.errors import InvalidValueError
from clcap_cli.options import Option

OPTIMISATION, BATCH = "Optimisation", "Batches"
CLIP, WEIGHT_DECAY = 0.1, 0.01
"""Defaults where nothing excludes them."""
SelectBy = Literal["loss", "mean-rank", "cider"]


@dataclass(frozen=True)
class Optimisation:
    """Optimiser, learning rate, and when training stops."""

    epochs: Annotated[int, Ge(1), Option("Maximum number of epochs.", panel=OPTIMISATION)] = 30
    max_steps: Annotated[
        int | None,
        Ge(1),
        Option("Maximum number of steps, where the epochs have more; default: no other bound.", panel=OPTIMISATION),
    ] = None
    eval_every: Annotated[
        int | None,
        Ge(1),
        Option("Steps between two validations; default: those of an epoch.", panel=OPTIMISATION),
    ] = None
    select_by: Annotated[
        SelectBy,
        Option("Validation metric that decides which checkpoint is kept.", panel=OPTIMISATION),
    ] = "loss"
    optimizer: Annotated[Literal["adam", "adamw"], Option("Optimiser.", panel=OPTIMISATION)] = "adam"
    lr: Annotated[float, Ge(0), Le(1000), Option("Learning rate after the warm-up.", panel=OPTIMISATION)] = 1e-3
    schedule: Annotated[
        Literal["cosine", "cosine-by-epoch", "constant"],
        Option(
            "Learning rate: falls towards 0 along a cosine, at every step or only at every epoch; or is constant.",
            panel=OPTIMISATION,
        ),
    ] = "cosine"
    warmup_steps: Annotated[
        int, Ge(0), Option("Steps over which the learning rate rises linearly from 0.", panel=OPTIMISATION)
    ] = 0
    weight_decay: Annotated[
        float | None,
        Ge(0),
        Option(f"Weight decay of adamw, on weight matrices; default: {WEIGHT_DECAY}.", panel=OPTIMISATION),
    ] = None
    clip: Annotated[
        float | None,
        Gt(0),
        Option(f"Bound to which every gradient is clamped; default: {CLIP} without --clip-norm.", panel=OPTIMISATION),
    ] = None
    clip_norm: Annotated[
        float | None,
        Gt(0),
        Option("Norm to which all gradients together are scaled down; default: none.", panel=OPTIMISATION),
    ] = None
    patience: Annotated[
        int, Ge(1), Option("Number of validations without improvement after which training stops.", panel=OPTIMISATION)
    ] = 5
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        Option("Precision of matrix products; auto: bf16 where the processor has instructions.", panel=OPTIMISATION),
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
        """The same with the defaults that depend on other fields."""
        decay = WEIGHT_DECAY if self.weight_decay is None and self.optimizer == "adamw" else self.weight_decay
        clip = CLIP if self.clip is None and self.clip_norm is None else self.clip
        return replace(self, weight_decay=decay, clip=clip)


@dataclass(frozen=True)
class BatchSettings:
    """How much is learned from at a time."""

    batch_size: Annotated[int, Ge(1), Option("Images in a batch; each comes with all its captions.", panel=BATCH)] = 20
    max_tokens: Annotated[
        int | None,
        Ge(1),
        Option("Tokens computed at once: bounds memory, with the same gradients; default: all.", panel=BATCH),
    ] = None
