"""Collect the metrics of all runs in a folder of results into one small JSON file.

Usage: python pipelines/collect_results.py FOLDER RESULTS.json

Runs that RESULTS.json already has are replaced or kept, so folders can be collected one after the other.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SIGNED = ("R@1", "CIDEr")
"""The values whose signatures say how a run was measured: pool and ranker, and tokenizer and references."""


def collected(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name, metrics and signatures of each run; a run without metrics.json has those of its ranks alone."""
    scored = {path.name.removesuffix(".metrics.json"): path for path in folder.glob("*.metrics.json")}
    ranked = {path.name.removesuffix(".retrieval.json"): path for path in folder.glob("*.retrieval.json")}
    for name, path in sorted({**ranked, **scored}.items()):
        found = json.loads(path.read_text(encoding="utf-8"))
        metrics = {metric: _rounded(value) for metric, value in found["metrics"].items()}
        signatures = {metric: found["signatures"][metric] for metric in SIGNED if metric in found["signatures"]}
        yield name, {"metrics": metrics, "signatures": signatures}


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.6g}")


def main(folder: Path, results: Path) -> None:
    """Add the runs of the folder to the results."""
    content = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {"runs": {}}
    found = dict(collected(folder))
    content["runs"] = dict(sorted({**content["runs"], **found}.items()))
    results.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{results}: {len(found)} runs of {folder}, {len(content['runs'])} in all")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
