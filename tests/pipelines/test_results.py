"""The committed results: collected from metrics files, and tested over seeds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clcap_cli.reporting.metric_groups import metric_infos
from pipelines.collect_results import main as collect
from result_tables.difference import Difference
from tests.pipelines.conftest import PIPELINES


def difference(first: list[float], second: list[float], metric: str = "CIDEr") -> Difference:
    (info,) = metric_infos([metric])
    by_seed = [{str(seed): value for seed, value in enumerate(values)} for values in (first, second)]
    return Difference(info, *by_seed)


def test_metrics_are_collected_without_images(tmp_path: Path) -> None:
    signatures = {"R@1": "pool:10", "CIDEr": "tok:PTB", "BLEU-4": "tok:PTB"}
    scored = {"metrics": {"R@1": 0.5, "CIDEr": 1.23456789, "images": 10}, "signatures": signatures, "images": [1, 2]}
    ranked = {"metrics": {"R@1": 0.25}, "signatures": {"R@1": "pool:100"}, "images": []}
    (tmp_path / "nt_1.metrics.json").write_text(json.dumps(scored))
    (tmp_path / "nt_1.retrieval.json").write_text(json.dumps(ranked))
    (tmp_path / "nt_1.similar.retrieval.json").write_text(json.dumps(ranked))
    out = tmp_path / "results.json"
    out.write_text(json.dumps({"title": "Mine", "runs": {"kept": {}}}))
    collect(tmp_path, out)
    found = json.loads(out.read_text())
    assert found["title"] == "Mine"
    assert found["runs"].keys() == {"kept", "nt_1", "nt_1.similar"}
    assert found["runs"]["nt_1"]["metrics"] == {"R@1": 0.5, "CIDEr": 1.23457, "images": 10}
    assert found["runs"]["nt_1"]["signatures"] == {"R@1": "pool:10", "CIDEr": "tok:PTB"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "error: FOLDER has no *.metrics.json and no *.retrieval.json; give the folder of the workflow"),
        ('{"metrics": {', "error: FOLDER/nt_1.metrics.json is not valid JSON at line 1, column 14"),
    ],
)
def test_a_folder_without_readable_results_leaves_the_old_ones(
    tmp_path: Path, content: str | None, message: str
) -> None:
    if content:
        (tmp_path / "nt_1.metrics.json").write_text(content)
    out = tmp_path / "results.json"
    out.write_text('{"runs": {}}')
    command = [sys.executable, PIPELINES / "collect_results.py", tmp_path, out]
    process = subprocess.run(command, capture_output=True, text=True, cwd=PIPELINES.parent)
    assert process.returncode == 1
    assert process.stderr.replace(str(tmp_path), "FOLDER").startswith(message)
    assert process.stderr.count("\n") == 1
    assert out.read_text() == '{"runs": {}}'


@pytest.mark.parametrize(
    ("found", "corrected", "verdict"),
    [
        (difference([1, 2, 3], [1.5, 2.6, 3.5]), 0.01, "holds"),
        (difference([1, 2, 3], [1.5, 2.6, 3.5]), 0.06, "in tendency"),
        (difference([1, 2, 3], [1.5, 2.6, 2.9]), 0.06, "not seen"),
        (difference([1, 2, 3], [0.5, 1.4, 2.5]), 0.06, "the opposite, in tendency"),
        (difference([1, 2, 3], [0.5, 1.4, 2.5]), 0.01, "the opposite"),
        (difference([9, 8, 7], [5, 4.1, 3], "mean_rank"), 0.01, "holds"),
        (difference([1], [2]), None, "not seen"),
    ],
)
def test_a_claim_holds_only_with_a_small_corrected_p_and_in_its_direction(
    found: Difference, corrected: float | None, verdict: str
) -> None:
    assert found.verdict(corrected) == verdict


def test_a_difference_is_taken_over_the_seeds_of_both_rows() -> None:
    found = difference([1, 2, 4], [2, 4])
    assert found.differences == [1, 2]
    assert difference([1.0], [2.0]).p_value is None
    assert difference([1.0], [2.0]).interval() == ""
