"""The options of BLEU: what evaluate stores, and that compare computes the same values from it."""

import json
from pathlib import Path

import pytest

from clcap_cli.artifacts.results import METRICS_KIND, open_results

REFERENCES = "image_id,caption\n1,a dog runs on the grass\n2,two cats sleep\n3,a red bus on a street\n"
FIRST = "image_id,caption\n1,a dog on the grass\n2,two cats\n3,a blue bus\n"
SECOND = "image_id,caption\n1,a dog\n2,two cats sleep\n3,the red bus on a street\n"
OPTIONS = ("--metrics", "BLEU", "--tokenize", "whitespace", "--bleu-order", "6", "--bleu-smoothing", "exp")


@pytest.fixture
def evaluated(tmp_path: Path, clcap) -> list[Path]:
    """Metrics of two sets of captions, with other settings than the default."""
    (tmp_path / "references.csv").write_text(REFERENCES)
    files = []
    for name, text in {"first": FIRST, "second": SECOND}.items():
        (tmp_path / f"{name}.csv").write_text(text)
        given = ("--predictions", tmp_path / f"{name}.csv", "--references", tmp_path / "references.csv")
        assert clcap("evaluate", *given, *OPTIONS).status == 0
        files.append(tmp_path / f"{name}.metrics.json")
    return files


def test_values_and_signatures_follow_the_options(evaluated: list[Path]) -> None:
    results = open_results(evaluated[0], METRICS_KIND)
    assert [name for name in results.metrics if name.startswith("BLEU")] == [f"BLEU-{n}" for n in range(1, 7)]
    assert results.metrics["BLEU-6"] > 0.1, "exp gives lengths without a match a precision above 0"
    assert ", smoothing exp of sacreBLEU with effective order|" in results.signatures["BLEU-6"]
    assert {f"BLEU-{n}" for n in range(1, 7)} <= set(results.images[0])


def test_compare_uses_the_stored_options(evaluated: list[Path], tmp_path: Path, clcap) -> None:
    assert clcap("compare", *evaluated, "--out", tmp_path / "c.json").status == 0
    metrics = json.loads((tmp_path / "c.json").read_text())["comparisons"][0]["metrics"]
    first, second = (open_results(path, METRICS_KIND).metrics for path in evaluated)
    for name in ("BLEU-1", "BLEU-4", "BLEU-6"):
        assert metrics[name]["first"] == pytest.approx(first[name], abs=1e-12)
        assert metrics[name]["second"] == pytest.approx(second[name], abs=1e-12)


def test_damaged_options_of_a_file_are_an_error(evaluated: list[Path], error_of) -> None:
    content = json.loads(evaluated[0].read_text())
    content["provenance"]["settings"]["bleu_smoothing"] = "magic"
    evaluated[0].write_text(json.dumps(content))
    message = error_of("compare", *evaluated)
    assert message.startswith(f"{evaluated[0]} is not a complete metrics file: at bleu_smoothing: ")


@pytest.mark.parametrize(
    ("option", "value"), [("--bleu-order", "0"), ("--bleu-order", "10"), ("--bleu-smoothing", "x")]
)
def test_wrong_options_are_refused(option: str, value: str, usage_error_of) -> None:
    assert option in usage_error_of("evaluate", "x.json", option, value)


def test_options_without_bleu_are_refused(usage_error_of) -> None:
    message = usage_error_of("evaluate", "x.json", "--metrics", "CIDEr", "--bleu-smoothing", "exp")
    assert "--bleu-smoothing: only BLEU uses it; name the metric with --metrics" in message
