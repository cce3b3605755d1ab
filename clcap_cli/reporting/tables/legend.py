"""What the marks of tables mean, in the same words in every format."""

from collections.abc import Sequence

from clcap_cli.reporting.tables.table import Cell, Table

BOLD, STAR, DAGGER = "bold", "*", "†"
OWN = "own: ranked by the model that wrote the captions."
INTERVALS = "[low, high]: 95% confidence interval over images."


def legend(tables: Sequence[Table]) -> list[str]:
    """Sentences with the images of the tables, and what the marks and spreads that occur in them mean."""
    cells = [cell for table in tables for _, row in table.rows for cell in row]
    found = {
        OWN: any(cell.spread.endswith("own") for cell in cells),
        INTERVALS: any(cell.spread.startswith("[") for cell in cells),
    }
    images = dict.fromkeys(sentence for table in tables for sentence in table.images_sentence)
    marks = [*mark_texts(tables).values(), *untested_texts(tables)]
    return [*images, *marks, *(sentence for sentence, occurs in found.items() if occurs)]


def mark_texts(tables: Sequence[Table]) -> dict[str, str]:
    """A sentence for each mark that occurs in the tables, with the names of their baselines."""
    baseline = " or ".join(dict.fromkeys(table.baseline for table in tables if table.baseline))
    rows = [row for table in tables for row in table.rows]
    cells = [cell for _, row in rows for cell in row]
    found = {
        BOLD: (any(cell.best for cell in cells), _bold_text(tables, baseline)),
        STAR: (any(cell.mark == STAR for cell in cells), _star_text(rows, baseline)),
        DAGGER: (any(cell.mark == DAGGER for cell in cells), _dagger_text(rows, baseline)),
    }
    return {mark: sentence for mark, (occurs, sentence) in found.items() if occurs}


def untested_texts(tables: Sequence[Table]) -> list[str]:
    """A sentence with the rows without any test, if other rows have marks."""
    rows = [row for table in tables for row in table.rows]
    tested = {name for name, row in rows for cell in row if cell.test or cell.evaluated}
    known = tested.union(*(table.human | {table.baseline} for table in tables))
    names = dict.fromkeys(name for name, _ in rows if name not in known)
    marked = any(cell.best or cell.significant for _, row in rows for cell in row)
    return [f"Not compared: {', '.join(names)}."] if marked and names else []


def _bold_text(tables: Sequence[Table], baseline: str) -> str:
    is_baseline = {name == table.baseline for table in tables for name, row in table.rows for cell in row if cell.best}
    best = "best value except human captions" if any(table.human for table in tables) else "best value"
    than = {(False,): baseline, (True,): "all others", (False, True): f"{baseline} or, for {baseline}, than all others"}
    return f"Bold: {best}, significantly better than {than[tuple(sorted(is_baseline))]}." if is_baseline else ""


def _star_text(rows: Sequence[tuple[str, list[Cell]]], baseline: str) -> str:
    """What a star means, with the tests of the rows where these differ."""
    tests = rows_by([(name, cell.test) for name, row in rows for cell in row])
    words = [test if len(tests) == 1 else f"{', '.join(names)}: {test}" for test, names in tests.items()]
    decided = "; ".join([*words, "p < .05 after Holm's correction"])
    return f"* differs significantly from {baseline} ({decided})."


def _dagger_text(rows: Sequence[tuple[str, list[Cell]]], baseline: str) -> str:
    """Which rows were evaluated how differently."""
    found = rows_by([(name, cell.evaluated) for name, row in rows for cell in row])
    words = [f"{', '.join(names)} ({how})" for how, names in found.items()]
    return f"† evaluated differently from {baseline}, so not comparable with it: {', '.join(words)}."


def rows_by(texts: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """The names of the rows that have the same different texts, by these texts."""
    by_name: dict[str, dict[str, None]] = {}
    for name, text in texts:
        by_name.setdefault(name, {}).update({text: None} if text else {})
    found: dict[str, list[str]] = {}
    for name, own in by_name.items():
        found.setdefault("; ".join(own), []).append(name)
    return {text: names for text, names in found.items() if text}
