"""Options that several stages share, each worded once."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path | None, typer.Option("--out", help="Where to write.", show_default=False)]
Seed = Annotated[int, typer.Option("--seed", help="Same seed, same machine: same figures.")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, mps, or auto for the best there is.")]
Split = Annotated[str, typer.Option("--split", help="Which split of captions.h5.")]
Beam = Annotated[int, typer.Option("--beam", min=1, help="Beam width; 1 is greedy search.")]
CaptionsFile = Annotated[
    Path | None, typer.Option("--captions", help="captions.h5; default: the one in the chain.", show_default=False)
]
FeaturesFile = Annotated[
    Path | None, typer.Option("--features", help="features.h5; default: the one in the chain.", show_default=False)
]
