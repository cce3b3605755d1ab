"""Comparisons of compare --out, as show reads them."""

from pathlib import Path

from tests.reliability.fuzzing import Format
from tests.reliability.json_mutations import JSON_TOKENS, mutate_json
from tests.reliability.seeds import files_of


def read(path: Path) -> None:
    """Describe it."""
    from clcap_cli.stages.show import show

    show(path)


FORMAT = Format("comparison", "comparison.json", read, files_of("comparison.json"), (mutate_json,), JSON_TOKENS)
