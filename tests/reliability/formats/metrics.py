"""``*.metrics.json``, as compare and report read it."""

from pathlib import Path

from tests.reliability.fuzzing import Format
from tests.reliability.json_mutations import JSON_TOKENS, mutate_json
from tests.reliability.seeds import files_of

OTHER = files_of("nt_cl.metrics.json")[-1]


def read(path: Path) -> None:
    """Describe the run, and make its tables, with a comparison with another run."""
    from clcap_cli.evaluation.runs import open_runs
    from clcap_cli.reporting.reported_comparison import compare_reported
    from clcap_cli.reporting.setting_tables import setting_tables
    from clcap_cli.reporting.tables.csv import as_csv
    from clcap_cli.reporting.tables.markdown import as_markdown
    from clcap_cli.reporting.tables.table import run_tables
    from clcap_cli.stages.show import show

    show(path)
    runs = open_runs([path, path.with_name(OTHER.name)])
    compared = compare_reported(runs).compared
    as_markdown([*setting_tables(compared), *run_tables(runs, compared)])
    as_csv(runs)


FORMAT = Format(
    "metrics",
    "nt.metrics.json",
    read,
    files_of("nt.metrics.json"),
    (mutate_json,),
    JSON_TOKENS,
    [OTHER],
)
