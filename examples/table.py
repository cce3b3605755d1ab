"""A Markdown table of means over seeds, from what self-retrieve and evaluate wrote.

Usage: python examples/table.py NAME=PATTERN...
PATTERN is the path of checkpoints without '.pt', with [123] or * for the seeds.
"""

import json
import statistics
import sys
from pathlib import Path

COLUMNS = ("R@1", "R@5", "R@10", "mean_rank", "unique_captions", "CIDEr", "ROUGE_L", "METEOR", "BLEU-4")


def figures(run: str) -> dict[str, float]:
    """Everything that was measured of one checkpoint."""
    found: dict[str, float] = {}
    for what in ("retrieval", "metrics"):
        found |= json.loads(Path(f"{run}.{what}.json").read_text(encoding="utf-8"))["figures"]
    return found


def row(name: str, pattern: str) -> str:
    """One line of the table: mean ± standard deviation over the runs."""
    files = sorted(Path(pattern).parent.glob(f"{Path(pattern).name}.retrieval.json"))
    runs = [figures(str(path).removesuffix(".retrieval.json")) for path in files]
    cells = []
    for column in COLUMNS:
        values = [run[column] for run in runs]
        digits = 1 if column in ("mean_rank", "unique_captions") else 3
        spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
        cells.append(f"{statistics.mean(values):.{digits}f}{spread}")
    return f"| {name} ({len(runs)} seeds) | " + " | ".join(cells) + " |"


print("| | " + " | ".join(COLUMNS) + " |")
print("|---" * (len(COLUMNS) + 1) + "|")
for given in sys.argv[1:]:
    print(row(*given.split("=", 1)))
