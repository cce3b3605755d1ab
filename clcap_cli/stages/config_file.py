"""Configuration files: options of a stage as YAML, which --config reads and --print-config prints."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clcap_cli.errors import ClcapError, unknown_name_error
from clcap_cli.stages.stage import InvalidValueError, Parameter


class InvalidOptionError(ClcapError):
    """An option in a configuration file that the stage does not have, or that has an invalid value."""


def read_options(path: Path, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """The validated options of a configuration file, by parameter name.

    Raises InvalidOptionError, and ClcapError for a file that cannot be read or that is no configuration file.
    """
    known = {one.name: one for one in parameters}
    options = {name.replace("-", "_"): value for name, value in _content(path).items()}
    for name in options:
        if name not in known:
            raise InvalidOptionError(str(unknown_name_error(f"option in {path}", name, known)))
    try:
        return {name: known[name].checked(value) for name, value in options.items()}
    except InvalidValueError as error:
        raise InvalidOptionError(f"{error.parameter} in {path}: {error.reason}") from error


def as_yaml(options: Mapping[str, Any]) -> str:
    """Options as the text of a configuration file."""
    import yaml

    plain = {name: _plain(value) for name, value in options.items()}
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def _content(path: Path) -> dict[str, Any]:
    import yaml

    from clcap_cli.datasets.parsing import read_text

    try:
        text = read_text(path)
        content = yaml.safe_load(text)
        _check_duplicates(path, yaml.compose(text, yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ClcapError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ClcapError(f"{path} does not hold options; it needs one a line, such as 'epochs: 10'")
    invalid = [name for name in content if not isinstance(name, str)]
    if invalid:
        raise ClcapError(f"{path} has a key '{invalid[0]}', which is no option name; write options as in 'epochs: 10'")
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
