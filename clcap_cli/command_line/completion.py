"""Values that a shell completes; where there are none, it completes file names."""

from collections.abc import Callable

from clcap_cli.command_line.description import choices_of, name_in
from clcap_cli.options import Option
from clcap_cli.stages.parameter import Parameter


def completion(parameter: Parameter) -> Callable[[str], list[str]]:
    """A function that completes a value of the parameter, as Typer calls it."""

    def complete(incomplete: str) -> list[str]:
        before, last = _split(parameter, incomplete)
        return [before + value for value in _values(parameter) if value.startswith(last)]

    return complete


def _values(parameter: Parameter) -> tuple[str, ...]:
    names, wording = name_in(parameter), parameter.wording
    suggested = tuple(wording.suggestions) if isinstance(wording, Option) else ()
    return tuple(names.registry.names) if names else choices_of(parameter) or suggested


def _split(parameter: Parameter, incomplete: str) -> tuple[str, str]:
    """What stands before the name that is completed, and the start of that name."""
    names = name_in(parameter)
    if not names or not names.separator:
        return "", incomplete
    before, separator, last = incomplete.rpartition(names.separator)
    return before + separator, last
