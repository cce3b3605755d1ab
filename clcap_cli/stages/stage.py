"""Turns functions into stages, which can be called from Python and from the command line.

The function of a stage takes parameters of its own and settings objects: dataclasses whose fields are annotated like
parameters. Callers pass the fields as plain keyword arguments. Every value is validated against its type; a path may
be a string.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar, get_type_hints, runtime_checkable

from clcap_cli.artifacts.atomic import record_replaced
from clcap_cli.artifacts.output_lock import lock_nothing
from clcap_cli.compute.process import stage_cleanup
from clcap_cli.compute.processes import join
from clcap_cli.console import print_info
from clcap_cli.errors import InvalidValueError, WrittenError, first_few
from clcap_cli.stages.parameter import Parameter

Result = TypeVar("Result", covariant=True)
Rule = Callable[[Mapping[str, Any]], None]


@runtime_checkable
class Resolvable(Protocol):
    """Settings with defaults that depend on other fields."""

    def resolved(self) -> Self:
        """The settings with these defaults filled in."""


class Stage(Generic[Result]):
    """A callable that validates plain parameters and runs a function with them."""

    def __init__(self, function: Callable[..., Result], rule: Rule | None = None, is_distributed: bool = False):
        """``rule`` is called with the function's arguments before it; ``is_distributed`` allows several processes."""
        functools.update_wrapper(self, function)
        self.function, self.rule, self.is_distributed = function, rule, is_distributed
        self.parameters = parameters_of(function)
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
        """Run the stage; raises what ``arguments`` and the function raise."""
        bound = self.__signature__.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = self.arguments(bound.arguments)
        plain = flattened(arguments)
        with stage_cleanup(), record_replaced() as replaced:
            join(self.name, self.is_distributed)
            if plain.get("dry_run"):
                lock_nothing()
            for one in self.parameters:
                one.check(plain[one.name])
            try:
                written = self.function(**arguments)
            except WrittenError as error:
                _report_if_replaced(error.written, replaced)
                raise
        _report_if_replaced(written, replaced)
        return written

    def arguments(self, values: Mapping[str, object]) -> dict[str, Any]:
        """The arguments of the function, from the values of plain parameters, with defaults for those left out.

        Required parameters may be left out too. Raises InvalidValueError for a value of the wrong type or outside its
        limits, and for values that exclude each other.
        """
        defaults = {one.name: one.default for one in self.parameters if not one.required}
        given = {**defaults, **values}
        checked = {one.name: one.checked(given[one.name]) for one in self.parameters if one.name in given}
        own = {one.name: checked[one.name] for one in self.parameters if one.owner is None and one.name in checked}
        made = {
            owner: _resolved(make(**{one.name: checked[one.name] for one in self.parameters if one.owner == owner}))
            for owner, make in _settings_classes(self.function).items()
        }
        if self.rule:
            self.rule(own | made)
        return own | made


def stage(function: Callable[..., Result]) -> Stage[Result]:
    """Decorator that turns ``function`` into a stage."""
    return Stage(function)


def stage_with(rule: Rule, is_distributed: bool = False) -> Callable[[Callable[..., Result]], Stage[Result]]:
    """Make a function a stage whose arguments have to keep a rule, which raises InvalidValueError when they do not.

    ``is_distributed`` allows several processes that torchrun starts.
    """
    return functools.partial(Stage, rule=rule, is_distributed=is_distributed)


def parameters_of(function: Callable) -> list[Parameter]:
    """The plain parameters of a stage's function."""
    hints = get_type_hints(function, include_extras=True)
    parameters: list[Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if is_dataclass(parameter.default):
            field_hints = get_type_hints(type(parameter.default), include_extras=True)
            parameters += [
                Parameter(field.name, field_hints[field.name], getattr(parameter.default, field.name), name)
                for field in fields(parameter.default)
            ]
        else:
            parameters.append(Parameter(name, hints[name], parameter.default, None))
    return parameters


def flattened(arguments: Mapping[str, Any], without: str = "") -> dict[str, Any]:
    """The arguments of a stage's function as they are stored, with settings objects replaced by their fields.

    The argument called ``without`` is left out.
    """
    plain: dict[str, Any] = {}
    for name, value in arguments.items():
        if name == without:
            continue
        plain |= vars(value) if is_dataclass(value) and not isinstance(value, type) else {name: value}
    return plain


def not_default(stage: Stage, values: Mapping[str, Any]) -> list[str]:
    """Names of the plain parameters whose values differ from their defaults."""
    return [one.name for one in stage.parameters if values[one.name] != one.default]


def check_unused(settings: Any, reason: str) -> None:
    """Raise InvalidValueError with ``reason`` for the first field of a settings object that is not the default."""
    defaults = vars(_resolved(type(settings)()))
    for name, value in vars(settings).items():
        if value != defaults[name]:
            raise InvalidValueError(name, reason)


def _report_if_replaced(path: object, replaced: Mapping[Path, datetime]) -> None:
    """Print that an older file was replaced, if it was, and which files in its folder were made from the old one."""
    from clcap_cli.artifacts.outdated import files_from_older_version

    if not isinstance(path, Path) or path not in replaced:
        return
    outdated = files_from_older_version(path)
    made_from_old = f"; made from the old one: {first_few(outdated)}" if outdated else ""
    print_info(f"replaced {path} of {replaced[path]:%Y-%m-%d %H:%M}{made_from_old}")


def _documentation(function: Callable, parameters: Sequence[Parameter]) -> str:
    """The function's docstring with a section about its parameters, for ``help()``."""
    text = inspect.getdoc(function) or ""
    if not parameters:
        return text
    return "\n".join([text, "", "Args:", *(f"    {one.name}: {one.help}" for one in parameters)])


def _settings_classes(function: Callable) -> dict[str, type]:
    """The classes of a function's settings objects, by parameter name."""
    parameters = inspect.signature(function).parameters.items()
    return {name: type(parameter.default) for name, parameter in parameters if is_dataclass(parameter.default)}


def _resolved(settings: Any) -> Any:
    return settings.resolved() if isinstance(settings, Resolvable) else settings


def _kind(parameter: Parameter) -> Any:
    return inspect.Parameter.KEYWORD_ONLY if parameter.owner else inspect.Parameter.POSITIONAL_OR_KEYWORD
