"""A plain parameter of a stage: its type, default, description and validation."""

import inspect
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from clcap_cli.errors import ClcapError, InvalidValueError, reason_of
from clcap_cli.input_files import ReadsAddresses
from clcap_cli.options import Argument, Option, Precondition
from clcap_cli.remote_path import RemotePath, as_path

if TYPE_CHECKING:
    from pydantic import TypeAdapter

LARGEST_INTEGER = 2**64 - 1
"""Largest absolute value of an integer, that of a 64-bit seed."""


@dataclass(frozen=True)
class Parameter:
    """A plain parameter of a stage."""

    name: str
    annotation: Any
    """The type, with its limits and wording."""
    default: Any
    owner: str | None
    """Name of the settings object that has this parameter as a field; None for a parameter of the function itself."""

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is inspect.Parameter.empty

    @property
    def type(self) -> Any:
        """The type alone."""
        return get_args(self.annotation)[0]

    @property
    def kind(self) -> Any:
        """The type without None, which stands for no value."""
        is_union = isinstance(self.type, UnionType) or get_origin(self.type) is Union
        return next(one for one in get_args(self.type) if one is not NoneType) if is_union else self.type

    @property
    def marks(self) -> tuple[Any, ...]:
        """Limits, description and preconditions, as they stand beside the type."""
        return get_args(self.annotation)[1:]

    @property
    def wording(self) -> Option | Argument:
        """Its description."""
        return next(mark for mark in self.marks if isinstance(mark, Option | Argument))

    @property
    def help(self) -> str:
        """Its description as a sentence."""
        return self.wording.help

    def checked(self, value: object) -> Any:
        """The value converted to its type; raises InvalidValueError."""
        from pydantic import ValidationError

        if isinstance(value, bool) and self.kind is not bool:
            raise InvalidValueError(self.name, f"must not be {str(value).lower()}")
        if self.kind in (Path, list[Path]):
            value = [self._path(one) for one in value] if isinstance(value, list) else self._path(value)
        if self.kind is float and _is_infinite_or_nan(value):
            raise InvalidValueError(self.name, f"must be a finite number, not '{value}'")
        try:
            checked = self._adapter.validate_python(value)
        except ValidationError as error:
            raise InvalidValueError(self.name, reason_of(error)) from error
        if isinstance(checked, int) and abs(checked) > LARGEST_INTEGER:
            raise InvalidValueError(self.name, f"must be between -{LARGEST_INTEGER} and {LARGEST_INTEGER}")
        return checked

    @cached_property
    def _adapter(self) -> "TypeAdapter[Any]":
        """What validates values, which takes a while to make."""
        from pydantic import TypeAdapter

        return TypeAdapter(self.annotation)

    def _path(self, value: object) -> object:
        """The path or address that a text names; raises InvalidValueError for one that is of no use here."""
        if value == "":
            raise InvalidValueError(self.name, "the name is empty; give the name of a file or folder")
        if not isinstance(value, str):
            return value
        try:
            path = as_path(value)
        except ClcapError as error:
            raise InvalidValueError(self.name, str(error)) from error
        if isinstance(path, RemotePath) and not any(isinstance(one, ReadsAddresses) for one in self.marks):
            raise InvalidValueError(self.name, f"{path} is an address; only images and datasets can be at one")
        return path

    def check(self, value: Any) -> None:
        """Raise ClcapError where a checked value does not fit this machine: no such file, no such device."""
        for mark in self.marks:
            if isinstance(mark, Precondition) and value is not None:
                for one in value if isinstance(value, list) else [value]:
                    mark.check(one)


def _is_infinite_or_nan(value: Any) -> bool:
    """Whether ``value`` is such a number, or text that stands for one, such as "nan" or "1e999"."""
    try:
        return not math.isfinite(float(value))
    except (TypeError, ValueError):
        return False
    except OverflowError:  # an integer beyond the range of floats
        return True
