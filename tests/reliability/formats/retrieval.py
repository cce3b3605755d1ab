"""``*.retrieval.json``, as report and show read it."""

from pathlib import Path

from tests.reliability.fuzzing import Format
from tests.reliability.json_mutations import JSON_TOKENS, mutate_json
from tests.reliability.seeds import files_of


def read(path: Path) -> None:
    """Describe the run, and make its tables."""
    from clcap_cli.evaluation.comparability_warnings import comparability_warnings
    from clcap_cli.evaluation.runs import open_runs
    from clcap_cli.reporting.cross_ranking import cross_ranking_tables, without_cross_rankings
    from clcap_cli.reporting.tables.csv import as_csv
    from clcap_cli.reporting.tables.latex import as_latex
    from clcap_cli.reporting.tables.markdown import as_markdown
    from clcap_cli.reporting.tables.table import run_tables
    from clcap_cli.stages.show import show

    show(path)
    runs = open_runs([path])
    cross_ranking_tables(runs)
    comparability_warnings(runs, runs[0])
    tables = run_tables(without_cross_rankings(runs))
    as_csv(runs), as_markdown(tables), as_latex(tables)


FORMAT = Format("retrieval", "nt.retrieval.json", read, files_of("nt.retrieval.json"), (mutate_json,), JSON_TOKENS)
