"""Options that several stages share, each described once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, MinLen

from clcap_cli.artifacts.feature_info import MAX_IMAGE_SIZE
from clcap_cli.artifacts.preconditions import CAPTIONS, FEATURES
from clcap_cli.datasets.split_names import SPLITS
from clcap_cli.input_files import InputFolderOrTar
from clcap_cli.options import Option, Panel

TOKENIZE_NAMES = "words, characters, whitespace, jieba (Chinese), mecab (Japanese), thai, or a tokenizer.json"
"""Values of --tokenize, for help texts."""


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
    Option("Split of captions.h5.", Panel.DATA, placeholder="NAME", suggestions=SPLITS),
]
ReferenceSplit = Annotated[
    str | None,
    MinLen(1),
    Option(
        "Split of captions.h5, or of references with splits.",
        Panel.DATA,
        "test; if a table lacks it, all its references",
        placeholder="NAME",
        suggestions=SPLITS,
    ),
]
"""A split of references; if it is not given, references of other programs need not have the default one."""


def _trained_on(text: str, model: str) -> Option:
    """An option for a file that defaults to the one that a model was trained on."""
    return Option(text, Panel.DATA, f"the one that the {model} was trained on", placeholder="FILE")


CAPTIONS_HELP = "captions.h5 that defines the splits."
CaptionsFile = Annotated[Path | None, CAPTIONS, _trained_on(CAPTIONS_HELP, "checkpoint")]
FeaturesFile = Annotated[Path | None, FEATURES, _trained_on("features.h5 of the images.", "checkpoint")]
RankerFeaturesFile = Annotated[Path | None, FEATURES, _trained_on("features.h5 of the ranker.", "ranker")]
ReferenceCaptionsFile = Annotated[Path | None, CAPTIONS, _trained_on(CAPTIONS_HELP, "reference")]
TargetFeaturesFile = Annotated[Path | None, FEATURES, _trained_on("features.h5 of the target.", "target")]
ReferenceFeaturesFile = Annotated[
    Path | None,
    FEATURES,
    _trained_on("features.h5 of the reference, if its backbone differs from the target's.", "reference"),
]
ImageSize = Annotated[
    int | None,
    Ge(32),
    Le(MAX_IMAGE_SIZE),
    Option("Side of the square network input in pixels.", Panel.MODEL, "the backbone's own"),
]
BACKBONE_HELP = "Backbone: a network of timm or of an installed package."
ImageFolders = Annotated[
    list[Path] | None,
    InputFolderOrTar(),
    Option(
        "Folder or tar archive of the pictures, for a checkpoint that computes its features from them.",
        Panel.DATA,
        "the recorded folders",
    ),
]
NegativesName = Literal["random", "similar", "mixed"]
