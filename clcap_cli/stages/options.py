"""Options that several stages share, each worded once; those that belong together are settings objects."""

from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge

from clcap_cli.options import Option

Out = Annotated[Path | None, Option("Where to write.")]
Seed = Annotated[int, Ge(0), Option("Same seed, same machine: same results.")]
Split = Annotated[str, Option("Which split of captions.h5.")]
CaptionsFile = Annotated[Path | None, Option("captions.h5; default: the one in the chain.")]
FeaturesFile = Annotated[Path | None, Option("features.h5; default: the one in the chain.")]
ReferenceFeaturesFile = Annotated[Path | None, Option("Reference's features.h5; default: the one in the chain.")]
NegativesName = Literal["random", "similar", "mixed"]
