"""How a captioner is trained, whatever the objective."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt

from clcap_cli.options import Option

OPTIMISATION, BATCH = "Optimisation", "Batches"
Criterion = Literal["loss", "mean-rank", "cider"]


@dataclass(frozen=True)
class Optimisation:
    """Optimiser, learning rate, and when training stops."""

    epochs: Annotated[int, Ge(1), Option("Maximum number of epochs.", panel=OPTIMISATION)] = 30
    max_steps: Annotated[
        int | None, Ge(1), Option("Maximum number of steps; default: those of the epochs.", panel=OPTIMISATION)
    ] = None
    eval_every: Annotated[
        int | None, Ge(1), Option("Steps between two evaluations; default: those of an epoch.", panel=OPTIMISATION)
    ] = None
    optimizer: Annotated[Literal["adam", "adamw"], Option("Optimiser.", panel=OPTIMISATION)] = "adam"
    lr: Annotated[float, Ge(0), Option("Learning rate after the warm-up.", panel=OPTIMISATION)] = 1e-3
    schedule: Annotated[
        Literal["cosine", "constant"],
        Option("Learning rate: falling to 0 along a cosine, step by step, or constant.", panel=OPTIMISATION),
    ] = "cosine"
    warmup_steps: Annotated[
        int, Ge(0), Option("Steps over which the learning rate rises from 0.", panel=OPTIMISATION)
    ] = 0
    weight_decay: Annotated[float, Ge(0), Option("Weight decay of adamw.", panel=OPTIMISATION)] = 0.0
    clip: Annotated[float | None, Gt(0), Option("Bound to which every gradient is clamped.", panel=OPTIMISATION)] = 0.1
    clip_norm: Annotated[
        float | None,
        Gt(0),
        Option("Norm to which all gradients together are scaled down, instead of --clip.", panel=OPTIMISATION),
    ] = None
    patience: Annotated[
        int, Ge(1), Option("Evaluations without a better one after which training stops.", panel=OPTIMISATION)
    ] = 5
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        Option("Precision of matrix products; auto: bf16 where the processor has instructions.", panel=OPTIMISATION),
    ] = "auto"


@dataclass(frozen=True)
class BatchSettings:
    """How much is learned from at a time."""

    batch_size: Annotated[int, Ge(1), Option("Images in a batch; each comes with all its captions.", panel=BATCH)] = 20
    max_tokens: Annotated[
        int | None,
        Ge(1),
        Option("Tokens computed at once: bounds memory, with the same gradients; default: all.", panel=BATCH),
    ] = None
