"""Configurations of Hugging Face that ask for code outside of transformers, which clcap does not run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clcap_cli.errors import ClcapError

OWN_ATTENTION = (None, True, False, "eager", "sdpa")
"""Values of settings of the attention that transformers computes without code of the hub or of other packages."""


def objects_in(content: object) -> Iterator[dict[str, Any]]:
    """All objects in JSON data."""
    if isinstance(content, dict):
        yield content
        content = list(content.values())
    if isinstance(content, list):
        for value in content:
            yield from objects_in(value)


def check_own_code(path: Path | str, config: object) -> None:
    """Raise ClcapError if a configuration, read from ``path``, makes transformers run code that is not its own."""
    for name, value in (pair for part in objects_in(config) for pair in part.items()):
        if name == "auto_map" or ("attn_implementation" in str(name) and value not in OWN_ATTENTION):
            raise ClcapError(f"{path} asks for code outside of transformers ({name}), which clcap does not run")
