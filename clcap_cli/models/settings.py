"""Options that choose a captioner, its sizes and its tokenizer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le, Lt

from clcap_cli.datasets.text import MAX_WORDS
from clcap_cli.errors import InvalidValueError
from clcap_cli.options import Option, named_values

PANEL = "Model"
PARAMETER_OF_FIELD = {"embedding_size": "embedding", "hidden_size": "hidden", "dropout": "dropout"}
"""Parameters that set a field of the model's configuration, by the name of the field."""


@dataclass(frozen=True)
class ModelSettings:
    """Name and options of a model; an option of None has the model's default."""

    model: Annotated[
        str, Option("neuraltalk2, adaptive-attention, transformer, or one of an installed package.", panel=PANEL)
    ] = "neuraltalk2"
    embedding: Annotated[
        int | None, Ge(1), Option("Size of a token's vector; default: the model's own.", panel=PANEL)
    ] = None
    hidden: Annotated[int | None, Ge(1), Option("Size of the hidden state; default: the model's own.", panel=PANEL)] = (
        None
    )
    dropout: Annotated[float | None, Ge(0), Lt(1), Option("Dropout rate; default: the model's own.", panel=PANEL)] = (
        None
    )
    model_option: Annotated[
        list[str] | None,
        Option("Option of the model as NAME=VALUE, such as layers=4; repeatable.", panel=PANEL),
    ] = None
    tokenizer: Annotated[
        Path | None, Option("A Hugging Face tokenizer.json; default: the words of captions.h5.", panel=PANEL)
    ] = None
    max_length: Annotated[
        int | None,
        Ge(1),
        Le(MAX_WORDS),
        Option(
            "Maximum number of tokens of a caption, the rest is cut; default: as in captions.h5, with --tokenizer no "
            "limit.",
            panel=PANEL,
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
                "model_option", f"{name} is given by --{PARAMETER_OF_FIELD[name]} too; give one of the two"
            )
        return named | model_options
