"""Every metric is one record, and packages can add metrics."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from clcap_cli.metrics.registry import METRICS, _loadable_metrics, all_metrics, selected_metrics
from clcap_cli.reporting.metric_groups import group_metrics
from clcap_cli.stages.compare import compare
from tests.test_registry import install

DOCS = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
PLUGIN = """
from clcap_cli.metrics.metric import LOWER, Metric, MetricInfo
from clcap_cli.metrics.statistic import mean_of

METRIC = Metric(
    name="{name}",
    group="Style",
    values=(MetricInfo("letter_e", "Letters e of a caption; from 0.", LOWER),),
    statistics=lambda given: {{"letter_e": mean_of(given.mean_by_image(given.column("letter_e")))}},
    measure=lambda given: {{"letter_e": [float(text.count("e")) for text in given.captions]}},
    columns=("letter_e",),
    signature=lambda given: {{"scale": "from 0"}},
)
"""


def test_every_metric_record_is_complete() -> None:
    names = [info.name for metric in all_metrics() for info in metric.values]
    assert len(names) == len(set(names)) >= 27
    for key, metric in zip(METRICS.names, all_metrics(), strict=True):
        assert metric.name == key
        assert set(metric.needs) <= set(METRICS.names)
        assert bool(metric.columns) == bool(metric.measure or metric.start)
        assert not (metric.measure and metric.start)
        assert all(info.meaning.endswith(".") for info in metric.values)


def test_every_value_is_in_the_docs() -> None:
    text = DOCS.read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall("`(.+?)`", row)}
    names = {info.name.replace("{k}", "k") for metric in all_metrics() for info in metric.values} - {"R@1", "R@5"}
    assert names <= documented


def test_help_and_docs_name_the_primary_metrics() -> None:
    primary = [info.name for metric in all_metrics() for info in metric.values if info.primary]
    help_text, docs = " ".join(str(compare.__doc__).split()), " ".join(DOCS.read_text(encoding="utf-8").split())
    *first, last = sorted(primary, key=help_text.index)
    assert f"the primary metrics {', '.join(first)} and {last} of all settings," in help_text
    assert f"The primary metrics {', '.join(f'`{name}`' for name in first)} and `{last}` " in docs


def test_names_ignore_case_and_add_the_metrics_they_need() -> None:
    assert [metric.name for metric in selected_metrics(None)] == ["BLEU", "METEOR", "ROUGE_L", "CIDEr", "SPICE"]
    assert [metric.name for metric in selected_metrics("rouge_l, bleu")] == ["BLEU", "ROUGE_L"]
    assert [metric.name for metric in selected_metrics("spider")] == ["CIDEr", "SPICE", "SPIDEr"]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Create a package with a metric of this name, and put it on the path."""

    def offer(name: str, module: str) -> None:
        folder = tmp_path / "site"
        install(folder, module, METRICS.group, f"letters = {module}:METRIC")
        (folder / f"{module}.py").write_text(PLUGIN.format(name=name))
        monkeypatch.syspath_prepend(folder)
        forget_packages()

    yield offer
    forget_packages()


def forget_packages() -> None:
    METRICS.__dict__.pop("plugins", None)
    _loadable_metrics.cache_clear()


def test_a_package_can_add_a_metric(installed, tmp_path: Path, clcap) -> None:
    installed("letters", "clcap_letters")
    table = tmp_path / "predictions.csv"
    table.write_text("image_id,caption\n1,the bee\n2,a dog\n")
    arguments = ("evaluate", "--predictions", table, "--references", table, "--metrics", "letters,ROUGE_L")
    result = clcap(*arguments)
    assert result.status == 0, result.err
    assert ["letter_e", "1.500"] in [line.split()[:2] for line in result.err.splitlines()]
    path = tmp_path / "predictions.metrics.json"
    content = json.loads(path.read_text())
    assert content["metrics"]["letter_e"] == 1.5 and [image["letter_e"] for image in content["images"]] == [3, 0]
    assert content["signatures"]["letter_e"].startswith("scale:from 0|tok:")
    assert "letter_e" in clcap("compare", path, path).out
    assert [info.direction_text for info in group_metrics(["letter_e"])["Style"]] == ["lower is better"]


def test_a_plugin_that_is_not_a_metric_is_left_out(installed, chain: Path, clcap) -> None:
    installed("another", "clcap_another")
    result = clcap("evaluate", chain / "nt.pt", "--metrics", "ROUGE_L")
    assert result.status == 0
    left_out = "left out: the metric 'letters' of an installed package is not a clcap Metric of that name\n"
    assert result.err.count(left_out) == 1
