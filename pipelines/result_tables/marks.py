"""The marks on a page between which tables are written."""

import re
from collections.abc import Mapping
from pathlib import Path

from clcap_cli.errors import ClcapError

MARKED = re.compile(
    r"(<!-- written by pipelines/write_tables\.py: ([\w-]+) -->\n)(?:(?!<!--).)*(<!-- end -->\n)", flags=re.DOTALL
)


def with_tables(path: Path, tables: Mapping[str, str]) -> str:
    """The page at ``path`` with each of ``tables`` between the marks that name it.

    Raises ClcapError unless each table has one pair of marks, and each pair a table.
    """
    page = path.read_text(encoding="utf-8")
    marked = [name for _, name, _ in MARKED.findall(page)]
    if sorted(marked) != sorted(tables):
        raise ClcapError(
            f"{path} has marks for {', '.join(sorted(marked))}, but the tables are {', '.join(sorted(tables))}; "
            "each needs one pair: <!-- written by pipelines/write_tables.py: NAME --> and <!-- end -->"
        )
    return MARKED.sub(lambda match: f"{match[1]}\n{tables[match[2]]}\n\n{match[3]}", page)
