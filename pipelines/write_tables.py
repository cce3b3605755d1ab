"""Write the tables of the documentation from the metrics in docs/results.

Usage: python pipelines/write_tables.py

This writes docs/tables.md as a whole, and in docs/experiments.md what stands between marks. docs/results/claims.json
lists the claims that are tested, tables.json the tables of the first page and summary_tables.json those of the second;
every other file in docs/results has the runs of one data set, which collect_results.py wrote.
"""

import sys
from pathlib import Path

from clcap_cli.artifacts.atomic import write_text
from clcap_cli.errors import ClcapError
from result_tables.all_tables import all_tables
from result_tables.claims import claims_in_short, tested_claims
from result_tables.marks import with_tables
from result_tables.results import DOCS, read_results
from result_tables.summary_tables import summary_tables


def pages() -> dict[Path, str]:
    """The pages as they should be, by path. Raises ClcapError for files that do not fit together."""
    data = read_results()
    claims = tested_claims(data.values())
    tables = {"claims": claims_in_short(claims), **summary_tables(data)}
    return {
        DOCS / "tables.md": all_tables(list(data.values()), claims),
        DOCS / "experiments.md": with_tables(DOCS / "experiments.md", tables),
    }


if __name__ == "__main__":
    try:
        for path, text in pages().items():
            write_text(path, text)
            print(path)
    except ClcapError as error:
        sys.exit(f"error: {error}")
