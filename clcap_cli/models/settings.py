"""Options that choose a captioner, its sizes and its tokenizer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le, Lt

from clcap_cli.datasets.text import MAX_WORDS
from clcap_cli.errors import InvalidValueError
from clcap_cli.input_files import InputFile
from clcap_cli.options import Option, Panel, named_values
from clcap_cli.registry import NameIn

PARAMETER_OF_FIELD = {"embedding_size": "embedding", "hidden_size": "hidden", "dropout": "dropout"}
"""Parameters that set a field of the model's configuration, by the name of the field."""


DEFAULT_MODEL = "neuraltalk2"
MAX_LENGTH_HELP = "Maximum number of tokens in a caption; longer captions are cut off."


@dataclass(frozen=True)
class ModelSettings:
    """Name and options of a model; an option of None has the model's default."""

    model: Annotated[
        str | None,
        NameIn("clcap_cli.models.registry:MODELS"),
        Option("Architecture.", Panel.MODEL, f"that of --init-from; else {DEFAULT_MODEL}"),
    ] = None
    embedding: Annotated[int | None, Ge(1), Option("Size of a token's embedding.", Panel.MODEL, "the model's own")] = (
        None
    )
    hidden: Annotated[int | None, Ge(1), Option("Size of the hidden state.", Panel.MODEL, "the model's own")] = None
    dropout: Annotated[float | None, Ge(0), Lt(1), Option("Dropout rate.", Panel.MODEL, "the model's own")] = None
    model_option: Annotated[
        list[str] | None,
        Option("Any option of the model, such as layers=4.", Panel.MODEL, "none", placeholder="NAME=VALUE"),
    ] = None
    tokenizer: Annotated[
        Path | None,
        InputFile(),
        Option(
            "Hugging Face tokenizer.json.",
            Panel.MODEL,
            "that of --init-from; else the word tokenizer of captions.h5",
            placeholder="FILE",
        ),
    ] = None
    max_length: Annotated[
        int | None,
        Ge(1),
        Le(MAX_WORDS),
        Option(
            MAX_LENGTH_HELP,
            Panel.MODEL,
            f"that of --init-from; else that of captions.h5, {MAX_WORDS} with --tokenizer",
        ),
    ] = None

    def options(self) -> dict[str, Any]:
        """The options that were set, by the field of the model's configuration."""
        named = {
            name: value
            for name, parameter in PARAMETER_OF_FIELD.items()
            if (value := getattr(self, parameter)) is not None
        }
        model_options = named_values("model_option", self.model_option or [], "layers=4")
        for name in named.keys() & model_options.keys():
            raise InvalidValueError(
                "model_option", f"{name} is also set by --{PARAMETER_OF_FIELD[name]}; give only one of the two"
            )
        return named | model_options
