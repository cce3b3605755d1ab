"""``*.metrics.json``, as compare reads it."""

from pathlib import Path

from tests.reliability.fuzzing import Format
from tests.reliability.json_mutations import JSON_TOKENS, mutate_json
from tests.reliability.seeds import files_of

OTHER = files_of("nt_cl.metrics.json")[-1]


def read(path: Path) -> None:
    """Compare the run with another one."""
    from clcap_cli.stages.compare import compare

    compare([path, path.with_name(OTHER.name)])


FORMAT = Format(
    "compared_metrics",
    "nt.metrics.json",
    read,
    files_of("nt.metrics.json")[-1:],
    (mutate_json,),
    JSON_TOKENS,
    [OTHER],
)
