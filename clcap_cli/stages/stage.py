"""What makes a function a stage: its settings objects are taken apart into plain parameters, and put together again.

A stage takes parameters of its own and settings objects, dataclasses whose fields are worded like parameters. Whoever
calls it, from Python or from the command line, gives the fields by their names; every value is checked against its
type, and a path may be text.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Generic, Protocol, Self, TypeVar, get_args, get_type_hints, runtime_checkable

from clcap_cli.compute.process import stage_cleanup
from clcap_cli.errors import InvalidValueError
from clcap_cli.options import Argument, Option

Result = TypeVar("Result", covariant=True)


@dataclass(frozen=True)
class Parameter:
    """A plain parameter of a stage."""

    name: str
    annotation: Any
    """The type, with its limits and wording."""
    default: Any
    owner: str | None
    """The parameter that takes the settings object of which it is a field; None for one of the stage's own."""

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is inspect.Parameter.empty

    @property
    def type(self) -> Any:
        """The type alone."""
        return get_args(self.annotation)[0]

    @property
    def help(self) -> str:
        """The wording that the command line shows."""
        return next(mark.help for mark in get_args(self.annotation) if isinstance(mark, Option | Argument))

    def checked(self, value: object) -> Any:
        """The value as its type has it; raises InvalidValueError."""
        from pydantic import TypeAdapter, ValidationError

        if isinstance(value, bool) and bool not in (self.type, *get_args(self.type)):
            raise InvalidValueError(self.name, f"Input should not be {str(value).lower()}")
        try:
            return TypeAdapter(self.annotation).validate_python(value)
        except ValidationError as error:
            raise InvalidValueError(self.name, error.errors()[0]["msg"].removeprefix("Value error, ")) from error


@runtime_checkable
class Resolvable(Protocol):
    """Settings of which some defaults depend on other fields."""

    def resolved(self) -> Self:
        """The same with these defaults filled in."""


class Stage(Generic[Result]):
    """A stage: called with plain parameters, it checks them and runs its function."""

    def __init__(self, function: Callable[..., Result]):
        functools.update_wrapper(self, function)
        self.function, self.parameters = function, parameters_of(function)
        self.__doc__ = _documentation(function, self.parameters)
        plain = [
            inspect.Parameter(one.name, _kind(one), default=one.default, annotation=one.type) for one in self.parameters
        ]
        result = inspect.signature(function).return_annotation
        self.__signature__ = inspect.Signature(plain, return_annotation=result)

    @property
    def name(self) -> str:
        """The subcommand's name."""
        return self.function.__name__.replace("_", "-")

    def __call__(self, *args: object, **kwargs: object) -> Result:
        """Run it; raises what ``arguments`` and the function raise."""
        bound = self.__signature__.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = self.arguments(bound.arguments)
        with stage_cleanup():
            return self.function(**arguments)

    def arguments(self, values: Mapping[str, object]) -> dict[str, Any]:
        """What the function takes, from the values of all plain parameters.

        Raises InvalidValueError for a value of the wrong type or beyond its limits, and ClcapError for values that
        exclude each other.
        """
        checked = {one.name: one.checked(values[one.name]) for one in self.parameters}
        own = {one.name: checked[one.name] for one in self.parameters if one.owner is None}
        made = {
            owner: _resolved(make(**{one.name: checked[one.name] for one in self.parameters if one.owner == owner}))
            for owner, make in _settings(self.function).items()
        }
        return own | made


def stage(function: Callable[..., Result]) -> Stage[Result]:
    """Make ``function`` a stage."""
    return Stage(function)


def parameters_of(function: Callable) -> list[Parameter]:
    """The plain parameters of a stage."""
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


def not_default(stage: Stage, values: Mapping[str, Any]) -> list[str]:
    """The plain parameters of a stage whose value is not the default."""
    return [one.name for one in stage.parameters if values[one.name] != one.default]


def check_unused(settings: Any, why: str) -> None:
    """Raise InvalidValueError for the first field of a settings object that has not its default."""
    usual = vars(_resolved(type(settings)()))
    for name, value in vars(settings).items():
        if value != usual[name]:
            raise InvalidValueError(name, why)


def _documentation(function: Callable, parameters: Sequence[Parameter]) -> str:
    """The function's docstring with a section of its parameters, which ``help`` shows."""
    about = inspect.getdoc(function) or ""
    if not parameters:
        return about
    return "\n".join([about, "", "Args:", *(f"    {one.name}: {one.help}" for one in parameters)])


def _settings(function: Callable) -> dict[str, type]:
    """The classes of a stage's settings objects, by parameter."""
    every = inspect.signature(function).parameters.items()
    return {name: type(parameter.default) for name, parameter in every if is_dataclass(parameter.default)}


def _resolved(settings: Any) -> Any:
    return settings.resolved() if isinstance(settings, Resolvable) else settings


def _kind(parameter: Parameter) -> Any:
    return inspect.Parameter.KEYWORD_ONLY if parameter.owner else inspect.Parameter.POSITIONAL_OR_KEYWORD
