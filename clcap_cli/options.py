"""How a stage's parameter is described on the command line, and what is checked of its value before the stage starts.

A parameter is ``Annotated[int, Ge(1), Option("Side of an image in pixels.", Panel.MODEL)]``, with the limits of the
package annotated-types. The fields of settings objects are written the same way. Nothing slow is imported here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from clcap_cli.errors import InvalidValueError


class Panel(StrEnum):
    """Headings under which the help of every stage lists its options, in this order."""

    DATA = "Data"
    MODEL = "Model"
    OBJECTIVE = "Objective"
    OPTIMISATION = "Optimisation"
    DECODING = "Decoding"
    METRICS = "Metrics"
    OUTPUT = "Output"
    COMPUTATION = "Computation"
    GENERAL = "General"


@dataclass(frozen=True)
class Option:
    """A parameter that is given by name."""

    help: str
    panel: Panel = Panel.DATA
    default: str = ""
    """Description of a default that is None in Python, such as "the model's own"."""
    name: str = ""
    """On the command line, if not --the-name; "--one/--other" for a choice of two."""
    placeholder: str = ""
    """Stands for the value in the help, if not the name of its type."""
    suggestions: Sequence[str] = ()
    """Values that a shell completes; others are valid too."""
    hidden: bool = False
    """Whether the help leaves the option out, because it has only one valid value."""


@dataclass(frozen=True)
class Argument:
    """A parameter that is given by position."""

    help: str
    panel: Panel = Panel.DATA


@runtime_checkable
class Precondition(Protocol):
    """A mark of a parameter: what its value needs of this machine, checked before anything slow is imported."""

    def check(self, value: Any) -> None:
        """Raise ClcapError unless a stage can use ``value`` here."""


def named_values(parameter: str, texts: Sequence[str], example: str) -> dict[str, str]:
    """What ``parameter`` was given as NAME=VALUE, by name; raises InvalidValueError for a text that is not."""
    pairs = [text.partition("=") for text in texts]
    for text, (name, equals, _) in zip(texts, pairs, strict=True):
        if not (name and equals):
            raise InvalidValueError(parameter, f"'{text}' is not NAME=VALUE, such as {example}")
    return {name.strip().replace("-", "_"): value for name, _, value in pairs}
