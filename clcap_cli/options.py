"""How a parameter is worded on the command line, beside its type; nothing is imported that takes time.

A stage's parameter is ``Annotated[int, Ge(1), Option("Pixels of an image's side.")]``, its limits those of the package
annotated-types. The fields of settings objects are written the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from clcap_cli.errors import InvalidValueError


@dataclass(frozen=True)
class Option:
    """A parameter that is given by name."""

    help: str
    name: str = ""
    """On the command line, if not --the-name; "--one/--other" for a choice of two."""
    panel: str = ""
    """Heading under which the help lists it."""


@dataclass(frozen=True)
class Argument:
    """A parameter that is given by its place."""

    help: str


def named_values(parameter: str, texts: Sequence[str], example: str) -> dict[str, str]:
    """What ``parameter`` was given as NAME=VALUE, by name; raises InvalidValueError for a text that is not."""
    pairs = [text.partition("=") for text in texts]
    for text, (name, equals, _) in zip(texts, pairs, strict=True):
        if not (name and equals):
            raise InvalidValueError(parameter, f"'{text}' is not NAME=VALUE, such as {example}")
    return {name.strip().replace("-", "_"): value for name, _, value in pairs}
