"""Configuration files: options of a stage as YAML, which --config reads and --print-config prints."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from clcap_cli.command_line.description import is_hidden
from clcap_cli.command_line.refusals import UsageError
from clcap_cli.command_line.renamed import unknown_option
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.file_kinds.recognition import wrong_file_error
from clcap_cli.input_files import check_readable
from clcap_cli.stages.stage import Stage

EXPECTED = "a YAML file with one option a line, such as 'epochs: 10',"
MAX_BRACKETS = 200
"""Number of opening brackets that are read; PyYAML's time grows with the square of the nesting."""


def read_config(ctx: typer.Context, stage: Stage[Any], path: Path) -> dict[str, Any]:
    """The options that the file holds, checked, by the name of their parameter.

    Raises UsageError for an option that the stage does not have and for a value that it cannot have; ClcapError for a
    file that cannot be read or holds no options.
    """
    known = {one.name: one for one in stage.parameters}
    options = {name.replace("-", "_"): value for name, value in _content(path).items()}
    for name in options:
        if name not in known:
            raise UsageError(f"{path}: {unknown_option(stage.name, name, list(known))}", ctx)
    try:
        return {name: known[name].checked(value) for name, value in options.items()}
    except InvalidValueError as error:
        raise UsageError(f"{path}: {error}", ctx) from error


def as_yaml(stage: Stage[Any], options: Mapping[str, Any]) -> str:
    """Options of the stage as the text of such a file; those that are required and missing as comments."""
    import yaml

    missing = [f"# {one.name}: (required)\n" for one in stage.parameters if one.name not in options]
    hidden = {one.name for one in stage.parameters if is_hidden(one)}
    plain = {name: _plain(value) for name, value in options.items() if name not in hidden}
    return "".join(missing) + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def _content(path: Path) -> dict[str, Any]:
    import yaml

    from clcap_cli.datasets.parsing import read_text

    check_readable(path)
    try:
        text = read_text(path)
    except ClcapError as error:
        raise wrong_file_error(path, EXPECTED) from error
    if text.count("[") + text.count("{") > MAX_BRACKETS:
        raise ClcapError(f"{path} has more than {MAX_BRACKETS} opening brackets; {EXPECTED} is expected here")
    try:
        content = yaml.safe_load(text)
        _check_duplicates(path, yaml.compose(text, yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ClcapError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise wrong_file_error(path, EXPECTED)
    no_names = [name for name in content if not isinstance(name, str)]
    if no_names:
        raise ClcapError(f"{path} has '{no_names[0]}' where the name of an option is expected, such as 'epochs: 10'")
    return content


def _check_duplicates(path: Path, node: Any) -> None:
    """Raise ClcapError for an option that occurs twice; YAML readers silently take the last one."""
    import yaml

    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    names = [str(key.value).replace("-", "_") for key, _ in pairs]
    duplicates = [name for name, count in Counter(names).items() if count > 1]
    if duplicates:
        raise ClcapError(f"{path} has the option '{duplicates[0]}' twice; give it once")


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
