"""Files that hold options of a stage, one a line of YAML: what --config reads and --print-config prints."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clcap_cli.errors import ClcapError, unknown_name_error
from clcap_cli.stages.stage import InvalidValueError, Parameter


class InvalidOptionError(ClcapError):
    """An option in a file that the stage does not have, or with a value that it cannot have."""


def read_options(path: Path, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """The options that the file holds, checked, by the name of their parameter.

    Raises InvalidOptionError, and ClcapError for a file that cannot be read or is no such file.
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
    """Options as the text of such a file."""
    import yaml

    plain = {name: _plain(value) for name, value in options.items()}
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def _content(path: Path) -> dict[str, Any]:
    import yaml

    from clcap_cli.datasets.parsing import read_text

    try:
        text = read_text(path)
        content = yaml.safe_load(text)
        _check_once(path, yaml.compose(text, yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ClcapError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ClcapError(f"{path} does not hold options; it needs one a line, such as 'epochs: 10'")
    no_names = [name for name in content if not isinstance(name, str)]
    if no_names:
        raise ClcapError(f"{path} has an option '{no_names[0]}', which is no name of one; such as 'epochs: 10'")
    return content


def _check_once(path: Path, node: Any) -> None:
    """Raise ClcapError for an option that is there twice: YAML's readers take the last in silence."""
    import yaml

    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    names = [str(key.value).replace("-", "_") for key, _ in pairs]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ClcapError(f"{path} has the option '{twice[0]}' twice; give it once")


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
