"""How a parameter is worded on the command line, beside its type; nothing is imported that takes time.

A stage's parameter is ``Annotated[int, Ge(1), Option("Pixels of an image's side.")]``, its limits those of the package
annotated-types. The fields of settings objects are written the same way.
"""

from dataclasses import dataclass


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
