"""Collect the metrics of all runs in a folder of results into one small JSON file.

Usage: python pipelines/collect_results.py FOLDER RESULTS.json

Runs that RESULTS.json already has are replaced or kept, so folders can be collected one after the other.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clcap_cli.artifacts.atomic import write_text
from clcap_cli.datasets.parsing import read_json
from clcap_cli.errors import ClcapError

SIGNED = ("R@1", "CIDEr")
"""The values whose signatures say how a run was measured: pool and ranker, and tokenizer and references."""


def collected(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name, metrics and signatures of each run; a run without metrics.json has those of its ranks alone."""
    scored = {path.name.removesuffix(".metrics.json"): path for path in folder.glob("*.metrics.json")}
    ranked = {path.name.removesuffix(".retrieval.json"): path for path in folder.glob("*.retrieval.json")}
    for name, path in sorted({**ranked, **scored}.items()):
        found = read_json(path)
        metrics = {metric: _rounded(value) for metric, value in found["metrics"].items()}
        signatures = {metric: found["signatures"][metric] for metric in SIGNED if metric in found["signatures"]}
        yield name, {"metrics": metrics, "signatures": signatures}


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.6g}")


def main(folder: Path, results: Path) -> None:
    """Add the runs of the folder to the results."""
    new = {"title": results.stem, "description": "", "runs": {}}
    content = read_json(results) if results.exists() else new
    found = dict(collected(folder))
    if not found:
        raise ClcapError(f"{folder} has no *.metrics.json and no *.retrieval.json; give the folder of the workflow")
    content["runs"] = dict(sorted({**content["runs"], **found}.items()))
    write_text(results, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    print(f"{results}: {len(found)} runs of {folder}, {len(content['runs'])} in all")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print("usage: python pipelines/collect_results.py FOLDER RESULTS.json", file=sys.stderr)
        sys.exit(2)
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except ClcapError as error:
        sys.exit(f"error: {error}")
