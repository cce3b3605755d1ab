"""``*.metrics.json``, as compare and report read it."""

from pathlib import Path

from tests.reliability.fuzzing import Format
from tests.reliability.json_mutations import JSON_TOKENS, mutate_json
from tests.reliability.seeds import files_of


def read(path: Path) -> None:
    """Describe the run, make its tables, and compare it with itself."""
    from clcap_cli.evaluation.runs import open_runs
    from clcap_cli.reporting.tables.csv import as_csv
    from clcap_cli.reporting.tables.markdown import as_markdown
    from clcap_cli.reporting.tables.table import run_tables
    from clcap_cli.stages.show import show

    show(path)
    runs = open_runs([path])
    as_csv(runs)
    as_markdown(run_tables(runs))


FORMAT = Format(
    "metrics",
    "nt.metrics.json",
    read,
    files_of("nt.metrics.json"),
    (mutate_json,),
    JSON_TOKENS,
)
