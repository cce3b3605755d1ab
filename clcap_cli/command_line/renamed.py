"""Options that had another name in an earlier version: each is refused with the name that it has now."""

from collections.abc import Mapping

from clcap_cli.errors import suggestion

RENAMED: Mapping[str, Mapping[str, str]] = {
    "evaluate": {"subjects": "models_or_results", "test_results": "test_predictions"},
    "self-retrieve": {"results": "predictions"},
    "train-cl": {"evaluator": "discriminator"},
}
"""For each stage: old name -> new name, as keys of a --config file, where - and _ are the same."""


def unknown_option(stage: str, name: str, known: list[str]) -> str:
    """Why ``stage`` has no option ``name``, which is spelled like those that are ``known``."""
    now = RENAMED.get(stage, {}).get(name.strip("-").replace("-", "_"), "")
    spelled = f"--{now.replace('_', '-')}" if name.startswith("-") else now
    if spelled in known:
        return f"{name} is now called {spelled}"
    similar = suggestion(name, known, otherwise="")
    return f"unknown option {name}{f'; {similar}' if similar else ''}"
