"""The page is self-contained, and content of files stays text."""

import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from clcap_cli.artifacts.attention import Attention
from clcap_cli.evaluation.runs import Run, open_runs
from clcap_cli.reporting.experiments import Experiments
from clcap_cli.reporting.image_sources import ImageSources
from clcap_cli.reporting.page.render import render
from clcap_cli.reporting.plots import all_plots
from clcap_cli.reporting.reported_comparison import compare_reported
from tests.reporting.conftest import image

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def page_of(
    runs: list[Run],
    image_sources: ImageSources | None = None,
    pictures: dict | None = None,
    experiments: Experiments | None = None,
    attention: Mapping[str, Attention] = {},
) -> str:
    comparison = compare_reported(runs)
    return render(
        runs,
        all_plots(runs),
        image_sources or ImageSources(),
        pictures or {},
        experiments or Experiments([], runs, []),
        attention=attention,
        compared_runs=comparison.compared,
        warnings=comparison.warnings,
    )


class Elements(HTMLParser):
    """Parser for the elements of the page and the text of data elements."""

    def __init__(self, page: str):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.data = ""
        self.in_data = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.in_data = dict(attrs).get("id") == "data"

    def handle_endtag(self, tag: str) -> None:
        self.in_data = False

    def handle_data(self, data: str) -> None:
        self.data += data if self.in_data else ""


def hostile_run(write, log) -> Elements:
    images = [image(EVIL, EVIL, rank=1, references=[EVIL]), image("🐕", "a \ud83d dog", rank=2)]
    texts = {"signatures": {EVIL: EVIL}, "not_scored": {EVIL: EVIL}}
    name = "<b onclick=alert(3)>{{ 7 * 7 }}"
    log(f"{name}.log.jsonl", [{"epoch": 0, "val_loss": 1.0}])
    runs = open_runs([write(f"{name}.metrics.json", images, {EVIL: 1.0, "R@1": 0.5}, **texts)])
    return Elements(page_of(runs, ImageSources(names={EVIL: EVIL})))


def test_text_from_files_is_never_markup(write, log) -> None:
    page = hostile_run(write, log)
    assert [tag for tag, _ in page.found].count("script") == 4
    assert not any(tag in ("img", "b") for tag, _ in page.found)
    assert not any(name.startswith("on") for _, attributes in page.found for name in attributes)
    assert json.loads(page.data)["images"][0][:2] == [EVIL, EVIL]


def test_the_page_loads_no_other_resources(write, log) -> None:
    page = hostile_run(write, log)
    for _, attributes in page.found:
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert (attributes.get(name) or "#").startswith("#")
    (policy,) = [values["content"] for _, values in page.found if "http-equiv" in values]
    assert policy and policy.startswith("default-src 'none'; img-src data:; ")


def test_the_page_has_the_libraries_with_their_licences(write) -> None:
    page = page_of(open_runs([write("nt.metrics.json", [image(1, "a dog")])]))
    library = files("clcap_cli.reporting.page") / "library"
    for name in ("d3.min.js", "plot.min.js", "LICENSES.txt"):
        assert (library / name).read_text(encoding="utf-8") in page
    table = re.findall(r"^\| `(\S+)` \| \S+ \| (\S+) \|", (library / "README.md").read_text(), re.MULTILINE)
    assert [name for name, _ in table] == ["d3.min.js", "plot.min.js"]
    for name, version in table:
        assert f" v{version} Copyright" in (library / name).read_text(encoding="utf-8")


def test_the_embedded_data_are_compact_and_complete(write) -> None:
    best = [{"image_id": 7, "log_prob": -1.0}, {"image_id": 1, "log_prob": -2.0}]
    first = write("nt.metrics.json", [image(1, "a dog", rank=2.5, tied=2, CIDEr=0.12345, best=best)])
    second = write("nt_cl.metrics.json", [image(2, "a cat")])
    image_sources = ImageSources({1: "1.jpg"}, {1: ["the dog"]})
    text = page_of(open_runs([first, second]), image_sources, {1: "UklGRg=="})
    page = Elements(text)
    content = json.loads(page.data)
    assert content["images"] == [
        [1, "1.jpg", ["the dog"], [["a dog", 2.5, 2, 0.123, [["7", -1.0], [0, -2.0]]], None]],
        [2, None, [], [None, ["a cat", None, 1, None, []]]],
    ]
    assert content["pictured"] == [1, 0]
    assert '<script type="text/plain" id="thumbnails">UklGRg==\n</script>' in text
    assert [run["pool"] for run in content["runs"]] == [3, 0]


RANKED = "pool:2|ranker:own model|split:test#1"
OTHERWISE = {
    "another pool": {"R@1": RANKED.replace("pool:2", "pool:2 similar")},
    "another ranker": {"R@1": RANKED.replace("own model", "nt#1")},
    "other references": {"CIDEr": "refs:c4|split:test#1"},
}


@pytest.mark.parametrize("other", OTHERWISE)
def test_nothing_is_better_where_measured_differently(write, other: str) -> None:
    signatures = {"R@1": RANKED, "CIDEr": "refs:c5|split:test#1|decoding:beam 3"}
    changed = OTHERWISE[other]
    images = [image(1, "a dog", rank=1), image(2, "a cat", rank=2)]
    names = ("R@1",) if "R@1" in changed else ("CIDEr",)
    values = [dict.fromkeys(names, value) for value in (1.0, 2.0)]
    paths = [
        write("a.metrics.json", images, values[0], signatures=signatures),
        write("b.metrics.json", images, values[1], signatures={**signatures, **changed}),
    ]
    runs = open_runs(paths)
    page = page_of(runs)
    words = re.sub(r"<script[^>]*>.*?</script>", "", page, flags=re.DOTALL).lower()
    assert not re.search(r">better<|>worse<|best", words)
    assert "cannot be compared" in words
    assert [run["comparable"][0] for run in json.loads(Elements(page).data)["runs"]] == [True, "CIDEr" in changed]


def test_every_metric_has_meaning_interval_and_signature(write) -> None:
    path = write(
        "nt.metrics.json",
        [image(1, "a dog")],
        {"CIDEr": 1.0},
        intervals={"CIDEr": [0.9, 1.1]},
        signatures={"CIDEr": "five references"},
        not_scored={"SPICE": "its models are not there"},
    )
    page = page_of(open_runs([path]))
    assert "<small>[0.900, 1.100]</small>" in page
    assert "Tf-idf similarity of n-grams with the references; 0 to 10." in page
    assert "five references" in page
    assert "Not computed: its models are not there" in page


def test_plots_have_text_alternatives(write) -> None:
    page = page_of(open_runs([write("nt.retrieval.json", [image(1, "a dog", rank=1), image(2, "a cat", rank=2)])]))
    assert re.search(r'role="img" aria-label="R@k over k: nt R@1 0\.500, R@2 1\.000; chance R@1 0\.500', page)
    assert "As a table" in page
