"""What the marks of tables mean, in the same words in every format."""

from collections.abc import Sequence

from clcap_cli.reporting.tables.table import Table

BOLD = "Bold: best value of its column, with a significant difference."
OWN = "own: ranked by the model that wrote the captions."
INTERVALS = "[low, high]: 95% confidence interval over images."


def legend(tables: Sequence[Table]) -> list[str]:
    """Sentences that explain the marks and spreads that occur in the tables."""
    cells = [cell for table in tables for _, row in table.rows for cell in row]
    found = {
        BOLD: any(cell.best for cell in cells),
        star_text(tables): any(cell.significant for cell in cells),
        OWN: any(cell.spread.endswith("own") for cell in cells),
        INTERVALS: any(cell.spread.startswith("[") for cell in cells),
    }
    return [sentence for sentence, occurs in found.items() if occurs]


def star_text(tables: Sequence[Table]) -> str:
    """What a star means, with the names of the tables' baselines."""
    baselines = dict.fromkeys(table.baseline for table in tables if table.baseline)
    return f"* differs significantly from {' or '.join(baselines)} (p < .05 after Holm's correction)."
