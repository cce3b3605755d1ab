"""Writes ``clcap_cli/__init__.pyi``, from which type checkers know the stages: ``python -m tests.python_stub``.

A stage gets its plain parameters from settings objects at runtime, which no type checker follows.
"""

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import clcap_cli
from clcap_cli.app import STAGES
from clcap_cli.stages.options import OneOrMore
from clcap_cli.stages.stage import Parameter, Stage

STUB = Path(clcap_cli.__file__).with_suffix(".pyi")
HEAD = '''\
"""Types of the Python interface; made from the stages by ``python -m tests.python_stub``."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Literal

from clcap_cli.api.captioner import LoadedCaptioner as LoadedCaptioner
from clcap_cli.api.captioner import load as load
from clcap_cli.api.results import Score as Score
from clcap_cli.api.results import SelfRetrieval as SelfRetrieval
from clcap_cli.api.scoring import score as score
from clcap_cli.errors import ClcapError as ClcapError
from clcap_cli.errors import InvalidValueError as InvalidValueError

__version__: str
_Path = str | PathLike[str]
'''


def stub() -> str:
    """The text of the file."""
    return "\n".join([HEAD, *map(_function, STAGES)])


def _function(stage: Stage) -> str:
    own = [one for one in stage.parameters if one.owner is None]
    settings = [one for one in stage.parameters if one.owner is not None]
    lines = [*map(_parameter, own), *(["*"] if settings else []), *map(_parameter, settings)]
    body = "".join(f"    {line},\n" for line in lines)
    doc = " ".join((stage.__doc__ or "").split("\n\n")[0].split())
    head = f"def {stage.function.__name__}(" + (f"\n{body})" if lines else ")")
    return f'{head} -> {_type(stage.__signature__.return_annotation)}:\n    """{doc}"""\n'


def _parameter(one: Parameter) -> str:
    taken = _taken(one.type)
    if any(isinstance(mark, OneOrMore) for mark in get_args(one.annotation)):
        taken = f"_Path | {taken}"
    shown = one.default if isinstance(one.default, int | float | str | None) else ...
    default = "" if one.required else f" = {'...' if shown is ... else _quoted(shown)}"
    return f"{one.name}: {taken}{default}"


def _taken(kind: Any) -> str:
    """The argument type of a parameter: paths may be strings, and lists any sequence."""
    if kind is Path:
        return "_Path"
    if get_origin(kind) is list:
        return f"Sequence[{_taken(get_args(kind)[0])}]"
    if get_args(kind) and get_origin(kind) is not Literal:
        return " | ".join(map(_taken, get_args(kind)))
    return _type(kind)


def _type(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"Literal[{', '.join(map(_quoted, get_args(kind)))}]"
    if get_args(kind):
        return " | ".join(map(_type, get_args(kind)))
    return "None" if kind in (None, type(None)) else kind.__name__


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
