"""Training logs ``*.log.jsonl``, as report and show read them."""

from pathlib import Path

from tests.reliability.fuzzing import Format
from tests.reliability.json_mutations import JSON_TOKENS, mutate_json_lines
from tests.reliability.seeds import files_of


def read(path: Path) -> None:
    """Describe it."""
    from clcap_cli.artifacts.training_logs import read_log
    from clcap_cli.stages.show import show

    show(path)
    read_log(path)


FORMAT = Format(
    "training_log",
    "nt.log.jsonl",
    read,
    [*files_of("nt.log.jsonl"), *files_of("nt_gan.log.jsonl")],
    (mutate_json_lines,),
    JSON_TOKENS,
)
