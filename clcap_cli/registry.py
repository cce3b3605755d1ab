"""Things that users call by name: clcap's own, and those of installed packages.

A package offers its own through entry points: in its pyproject.toml, ``[project.entry-points."clcap.models"]`` with
``my-model = "my_package.my_model:MyModel"``. Nothing is imported before it is asked for by name.
"""

from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar, cast

from clcap_cli.errors import ClcapError, unknown_name

T = TypeVar("T")


class Registry(Generic[T]):
    """Things of one kind by name."""

    def __init__(self, what: str, group: str, own: Mapping[str, str]):
        """``what`` a message calls one of them; ``group`` of the entry points; ``own`` places, "module:attribute"."""
        self.what, self.group, self.own = what, group, own

    @cached_property
    def plugins(self) -> dict[str, EntryPoint]:
        """What installed packages offer, by name; clcap's own names cannot be taken."""
        return {point.name: point for point in entry_points(group=self.group) if point.name not in self.own}

    @property
    def names(self) -> list[str]:
        """All names, clcap's own first."""
        return [*self.own, *sorted(self.plugins)]

    def get(self, name: str) -> T:
        """The thing called ``name``.

        Raises ClcapError for an unknown name, and for a plugin that cannot be imported.
        """
        if name in self.own:
            module, _, attribute = self.own[name].partition(":")
            return cast(T, getattr(import_module(module), attribute))
        if name not in self.plugins:
            raise unknown_name(self.what, name, self.names)
        point = self.plugins[name]
        try:
            return cast(T, point.load())
        except Exception as error:  # a package can raise anything while it is imported
            source = f"{point.dist.name} " if point.dist else ""
            raise ClcapError(f"the {self.what} '{name}' of the package {source}cannot be loaded: {error}") from error
