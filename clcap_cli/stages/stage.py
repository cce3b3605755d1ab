"""What makes a function a stage: its settings objects are taken apart into plain parameters, and put together again.

A stage takes parameters of its own and settings objects, dataclasses whose fields are worded like parameters. Whoever
calls it, from Python or from the command line, gives the fields by their names; every value is checked against its
type, and a path may be text.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

from clcap_cli.errors import InvalidValueError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Parameter:
    """A plain parameter of a stage."""

    name: str
    annotation: Any
    """The type, with its limits and wording."""
    default: Any
    owner: str | None
    """The parameter that takes the settings object of which it is a field; None for one of the stage's own."""

    def checked(self, value: object) -> Any:
        """The value as its type has it; raises InvalidValueError."""
        from pydantic import TypeAdapter, ValidationError

        try:
            return TypeAdapter(self.annotation).validate_python(value)
        except ValidationError as error:
            raise InvalidValueError(self.name, error.errors()[0]["msg"].removeprefix("Value error, ")) from error


def stage(function: Callable[..., Result]) -> Callable[..., Result]:
    """Make ``function`` a stage that is called with plain parameters."""
    parameters = parameters_of(function)
    flat = [
        inspect.Parameter(one.name, _kind(one), default=one.default, annotation=one.annotation) for one in parameters
    ]
    signature = inspect.Signature(flat, return_annotation=inspect.signature(function).return_annotation)
    makers = _settings(function)

    @functools.wraps(function)
    def called(*args: object, **kwargs: object) -> Result:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        values = {one.name: one.checked(bound.arguments[one.name]) for one in parameters}
        own = {one.name: values[one.name] for one in parameters if one.owner is None}
        made = {
            owner: make(**{one.name: values[one.name] for one in parameters if one.owner == owner})
            for owner, make in makers.items()
        }
        return function(**own, **made)

    called.__signature__ = signature  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    called.parameters = parameters  # type: ignore[attr-defined]
    return called


def parameters_of(function: Callable) -> list[Parameter]:
    """The plain parameters of a stage, those without a default first."""
    hints = get_type_hints(function, include_extras=True)
    found: list[Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if is_dataclass(parameter.default):
            own = get_type_hints(type(parameter.default), include_extras=True)
            found += [
                Parameter(field.name, own[field.name], getattr(parameter.default, field.name), name)
                for field in fields(parameter.default)
            ]
        else:
            found.append(Parameter(name, hints[name], parameter.default, None))
    return found


def flattened(given: Mapping[str, Any]) -> dict[str, Any]:
    """A stage's settings as they are stored: the fields of settings objects beside its own parameters."""
    plain: dict[str, Any] = {}
    for name, value in given.items():
        plain |= vars(value) if is_dataclass(value) and not isinstance(value, type) else {name: value}
    return plain


def not_default(function: Callable, values: Mapping[str, Any]) -> list[str]:
    """The plain parameters of a stage whose value is not the default."""
    parameters: list[Parameter] = function.parameters  # type: ignore[attr-defined]
    return [one.name for one in parameters if values[one.name] != one.default]


def _settings(function: Callable) -> dict[str, type]:
    """The classes of a stage's settings objects, by parameter."""
    every = inspect.signature(function).parameters.items()
    return {name: type(parameter.default) for name, parameter in every if is_dataclass(parameter.default)}


def _kind(parameter: Parameter) -> Any:
    return inspect.Parameter.KEYWORD_ONLY if parameter.owner else inspect.Parameter.POSITIONAL_OR_KEYWORD
