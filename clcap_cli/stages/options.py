"""Options that several stages share, each worded once."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Out = Annotated[Path | None, typer.Option("--out", help="Where to write.", show_default=False)]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Same seed, same machine: same figures.")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, mps, or auto for the best there is.")]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, help="Processor threads to compute with; default: one for each core.", show_default=False
    ),
]
Split = Annotated[str, typer.Option("--split", help="Which split of captions.h5.")]
Beam = Annotated[int, typer.Option("--beam", min=1, help="Beam width; 1 is greedy search.")]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens",
        min=1,
        help="Words computed at once: bounds memory, with the same gradients; default: all of a batch.",
        show_default=False,
    ),
]
Precision = Annotated[
    Literal["auto", "fp32", "bf16"],
    typer.Option(
        "--precision", help="Of the matrix products; auto is bf16 where the processor has instructions for it."
    ),
]
Schedule = Annotated[Literal["cosine", "constant"], typer.Option("--schedule", help="How the rate goes on.")]
Clip = Annotated[float, typer.Option("--clip", min=1e-9, help="Gradients are clamped to ± this.")]
BatchSize = Annotated[int, typer.Option("--batch-size", min=1, help="Images; each comes with all its captions.")]
LearningRate = Annotated[float, typer.Option("--lr", min=0, help="Adam's learning rate at the start.")]
Epochs = Annotated[int, typer.Option("--epochs", min=1, help="At most so many.")]
Patience = Annotated[int, typer.Option("--patience", min=1, help="Stop after so many epochs without a better one.")]
CaptionsFile = Annotated[
    Path | None, typer.Option("--captions", help="captions.h5; default: the one in the chain.", show_default=False)
]
FeaturesFile = Annotated[
    Path | None, typer.Option("--features", help="features.h5; default: the one in the chain.", show_default=False)
]
