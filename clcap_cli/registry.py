"""Registries of objects that users select by name: those of clcap and those of installed packages.

A package adds objects through entry points: in its pyproject.toml, ``[project.entry-points."clcap.models"]`` with
``my-model = "my_package.my_model:MyModel"``. An object is imported only when it is requested by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from clcap_cli.errors import ClcapError, unknown_name_error

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


class Registry(Generic[T]):
    """Objects of one kind by name."""

    def __init__(self, kind: str, group: str, builtin: Mapping[str, str], base_class: str = ""):
        """Create a registry.

        ``kind`` is the name of such an object in messages, ``group`` the group of entry points, and ``builtin`` the
        location ("module:attribute") of each of clcap's objects. If ``base_class`` (a location too) is given, every
        object is a class derived from it.
        """
        self.kind, self.group, self.builtin, self.base_class = kind, group, builtin, base_class

    @cached_property
    def plugins(self) -> "list[EntryPoint]":
        """The entry points of installed packages, sorted by name."""
        from importlib.metadata import entry_points

        return sorted(entry_points(group=self.group), key=lambda point: (point.name, package_label(point)))

    @property
    def names(self) -> list[str]:
        """All names, clcap's first."""
        return list(dict.fromkeys([*self.builtin, *(point.name for point in self.plugins)]))

    def get(self, name: str) -> T:
        """The object called ``name``; clcap's takes precedence over that of a package.

        Raises ClcapError for an unknown name, and for a plugin that cannot be used.
        """
        if name in self.builtin:
            return cast(T, import_object(self.builtin[name]))
        if name not in self.names:
            raise unknown_name_error(self.kind, name, self.names)
        return self.load(next(point for point in self.plugins if point.name == name))

    def load(self, point: "EntryPoint") -> T:
        """Import the object of an entry point; raises ClcapError if it cannot be used."""
        label = f"the {self.kind} '{point.name}' of the package {package_label(point)}"
        conflicts = ["clcap"] if point.name in self.builtin else self._other_packages(point)
        if conflicts:
            raise ClcapError(f"{label} cannot be used: {conflicts[0]} has one with the same name")
        try:
            loaded = point.load()
        except (Exception, SystemExit) as error:  # a package can raise anything while it is imported
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise ClcapError(f"{label} cannot be loaded: {reason}") from error
        if self.base_class and not (isinstance(loaded, type) and issubclass(loaded, import_object(self.base_class))):
            expected = import_object(self.base_class).__name__
            raise ClcapError(f"{label} cannot be used: {point.value} is not a class derived from {expected}")
        return cast(T, loaded)

    def _other_packages(self, point: "EntryPoint") -> list[str]:
        return [package_label(other) for other in self.plugins if other.name == point.name and other is not point]


def import_object(location: str) -> Any:
    """Import the object at ``location``, "module:attribute"."""
    module, _, attribute = location.partition(":")
    return getattr(import_module(module), attribute)


def package_label(point: "EntryPoint") -> str:
    """Name and version of the package that declares an entry point."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else "(unknown)"


@dataclass(frozen=True)
class NameIn:
    """Annotation of a parameter whose value is a name in a registry, or several names.

    The error for an unknown name suggests similar names.
    """

    location: str
    """Location of the registry, "module:attribute"; its module must be fast to import."""
    separator: str = ""
    """Separator of names if the value may contain several; letter case is then ignored."""

    @property
    def registry(self) -> Registry:
        """The registry at ``location``."""
        return cast(Registry, import_object(self.location))

    def checked(self, value: str | None) -> str | None:
        """Return ``value``; raises ValueError if it contains an unknown name."""
        if value is None:
            return None
        known = {self._key(name): name for name in self.registry.names}
        for name in value.split(self.separator) if self.separator else [value]:
            if name.strip() and self._key(name) not in known:
                raise ValueError(str(unknown_name_error(self.registry.kind, name.strip(), known.values())))
        return value

    def _key(self, name: str) -> str:
        return name.strip().upper() if self.separator else name

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.checked, handler(source))
