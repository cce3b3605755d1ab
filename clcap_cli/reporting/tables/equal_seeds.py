"""The number of seeds, said once for a table whose rows all have the same."""

import re
from dataclasses import replace

from clcap_cli.reporting.tables.table import Table

SEEDS = re.compile(r"(?P<name>.*), (?P<number>\d+) seeds", re.DOTALL)


def with_seeds_in_note(table: Table) -> Table:
    """The table with the number of seeds in its note instead of its rows, if all rows of systems have the same."""
    found = {name: SEEDS.fullmatch(name) for name, _ in table.rows if name not in table.human}
    numbers = {match and match["number"] for match in found.values()}
    number = numbers.pop() if len(numbers) == 1 else None
    if number is None:
        return table
    names = {name: match["name"] for name, match in found.items() if match}
    return replace(
        table,
        rows=[(names.get(name, name), cells) for name, cells in table.rows],
        baseline=names.get(table.baseline, table.baseline),
        note=table.note.replace("over seeds", f"over {number} seeds"),
    )
