"""Options that several stages share, each described once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge

from clcap_cli.artifacts.preconditions import CAPTIONS, FEATURES
from clcap_cli.options import Option, Panel


@dataclass(frozen=True)
class OneOrMore:
    """Marks a list of paths for which Python callers may also pass a single path."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        def as_list(value: object) -> object:
            return [value] if isinstance(value, str | Path) else value

        return core_schema.no_info_before_validator_function(as_list, handler(source))


def output(default: str = "") -> Option:
    """The option --out; ``default`` describes the name that the output has where the parameter is None."""
    return Option("Output file.", Panel.OUTPUT, default, placeholder="FILE")


Seed = Annotated[
    int, Ge(0), Option("Random seed; the same seed gives the same result on the same machine.", Panel.COMPUTATION)
]
Split = Annotated[
    str,
    Option("Split of captions.h5.", Panel.DATA, placeholder="NAME", suggestions=("train", "val", "test")),
]
CaptionsFile = Annotated[
    Path | None,
    CAPTIONS,
    Option(
        "captions.h5 that defines the splits.",
        Panel.DATA,
        "the one that the checkpoint was trained on",
        placeholder="FILE",
    ),
]
FeaturesFile = Annotated[
    Path | None,
    FEATURES,
    Option("features.h5 of the images.", Panel.DATA, "the one that the checkpoint was trained on", placeholder="FILE"),
]
ReferenceCaptionsFile = Annotated[
    Path | None,
    CAPTIONS,
    Option(
        "captions.h5 that defines the splits.",
        Panel.DATA,
        "the one that the reference was trained on",
        placeholder="FILE",
    ),
]
TargetFeaturesFile = Annotated[
    Path | None,
    FEATURES,
    Option("features.h5 of the target.", Panel.DATA, "the one that the target was trained on", placeholder="FILE"),
]
ReferenceFeaturesFile = Annotated[
    Path | None,
    FEATURES,
    Option(
        "features.h5 of the reference, if its backbone differs from the target's.",
        Panel.DATA,
        "the one that the reference was trained on",
        placeholder="FILE",
    ),
]
NegativesName = Literal["random", "similar", "mixed"]
