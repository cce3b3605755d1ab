"""Options that several stages share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge

from clcap_cli.options import Option


@dataclass(frozen=True)
class OneOrMore:
    """Marks a list of paths for which Python callers may also pass a single path."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        def as_list(value: object) -> object:
            return [value] if isinstance(value, str | Path) else value

        return core_schema.no_info_before_validator_function(as_list, handler(source))


Out = Annotated[Path | None, Option("Where to write.")]
Seed = Annotated[int, Ge(0), Option("Same seed, same machine: same results.")]
Split = Annotated[str, Option("Which split of captions.h5.")]
CaptionsFile = Annotated[Path | None, Option("captions.h5; default: the one in the chain.")]
FeaturesFile = Annotated[Path | None, Option("features.h5; default: the one in the chain.")]
ReferenceFeaturesFile = Annotated[Path | None, Option("Reference's features.h5; default: the one in the chain.")]
NegativesName = Literal["random", "similar", "mixed"]
