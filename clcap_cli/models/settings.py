"""Which captioner is built, and how large."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le, Lt

from clcap_cli.datasets.text import MAX_WORDS
from clcap_cli.errors import InvalidValueError
from clcap_cli.options import Option, named_values

PANEL = "Model"
TYPED = {"embedding_size": "embedding", "hidden_size": "hidden", "dropout": "dropout"}
"""Parameters that give fields of a model's configuration, by field."""


@dataclass(frozen=True)
class ModelSettings:
    """A model by name, with those of its options that are not to have their defaults."""

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
        Option("Another option of the model as NAME=VALUE, such as layers=4; may be given again.", panel=PANEL),
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
        """The options that are given, under the names of the model's configuration."""
        given = {name: value for name, typed in TYPED.items() if (value := getattr(self, typed)) is not None}
        others = named_values("model_option", self.model_option or [], "layers=4")
        for name in given.keys() & others.keys():
            raise InvalidValueError("model_option", f"{name} is given by --{TYPED[name]} too; give one of the two")
        return given | others
