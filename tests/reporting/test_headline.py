"""The values at the top of the page and its comparison section are those of compare."""

import json
import re
from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By

from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.difference_text import p_text, signed_text
from clcap_cli.reporting.metric_groups import metric_infos
from clcap_cli.reporting.page.compared_systems import compared_systems
from clcap_cli.reporting.reported_comparison import compare_reported
from tests.reporting.conftest import scored_images
from tests.reporting.test_browser import element, elements
from tests.reporting.test_page import page_of

IMAGES = 60


def run(write, name: str, right: int, rank: float = 1.0, **more) -> Path:
    """A run with the reference as the caption of ``right`` of 10 images, and with ranks that are multiplied."""
    ranks = [max(1, round(rank * (1 + id % 50))) for id in range(IMAGES)]
    images = scored_images(ranks)
    for entry in images:
        reference = f"dog number {entry['image_id']} runs"
        caption = reference if entry["image_id"] % 10 < right else "a cat sleeps"
        entry |= {"caption": caption, "tokenised": caption, "references": [reference], "CIDEr": 0.0}
    return write(f"{name}.metrics.json", images, {"CIDEr": 1.0, "R@1": 0.5}, **more)


def cards(page: WebDriver) -> dict[str, list[str]]:
    """The lines of each card by its metric."""
    found = [card.text.split("\n") for card in elements(page, ".cards > div")]
    return {lines[0]: lines[1:] for lines in found}


def test_cards_equal_what_compare_writes(opened, write, clcap, tmp_path: Path) -> None:
    files = [run(write, "nt", 2), run(write, "nt_cl", 3, 0.4)]
    assert clcap("compare", *files, "--out", tmp_path / "c.json").status == 0
    (comparison,) = json.loads((tmp_path / "c.json").read_text())["comparisons"]
    shown = cards(opened(page_of(open_runs(files))))
    infos = {info.label: info for info in metric_infos(comparison["metrics"])}
    assert {"R@1", "R@5", "CIDEr", "Unique share"} <= shown.keys()
    for label, (value, baseline, difference, verdict) in (
        (key.split(" lower")[0], card) for key, card in shown.items()
    ):
        info, stored = infos[label], comparison["metrics"][infos[label].name]
        ends = ", ".join(signed_text(end, info) for end in stored["interval"])
        assert value == info.formatted(stored["second"])
        assert baseline == f"baseline: {info.formatted(stored['first'])}"
        assert difference == f"{signed_text(stored['difference'], info)} [{ends}]"
        assert verdict.replace("= ", "").endswith(f", p {p_text(stored['p_images_holm'])}")


def test_lower_is_better_is_said_in_words(opened, write) -> None:
    page = opened(page_of(open_runs([run(write, "nt", 2), run(write, "nt_cl", 2, 0.4)])))
    (rank,) = (lines for title, lines in cards(page).items() if title.startswith("Mean rank"))
    assert "Mean rank lower is better" in cards(page)
    assert rank[2].startswith("-") and rank[3].startswith("better, p ")
    assert "gained" in elements(page, ".cards .verdict")[2].get_attribute("class")


def test_nothing_is_better_where_compare_is_not_sure(opened, write) -> None:
    page = opened(page_of(open_runs([run(write, "nt", 2), run(write, "other", 2)])))
    assert not re.search("better,|worse", element(page, ".top").text.replace("lower is better", ""))
    assert elements(page, ".top .gained, .top .lost") == []
    assert element(page, ".compared").text == "other compared with nt, the baseline"


def test_three_systems_share_one_table_with_stars(opened, write) -> None:
    files = [run(write, "nt", 2), run(write, "nt_cl", 7), run(write, "aa", 2)]
    page = opened(page_of(open_runs(files)))
    rows = [
        [cell.text for cell in row.find_elements(By.CSS_SELECTOR, "th, td")] for row in elements(page, ".systems tr")
    ]
    column = rows[0].index("CIDEr ↑")
    assert [row[0] for row in rows] == ["run", "nt", "nt_cl", "aa"]
    assert element(page, ".systems caption").text == "Main metrics, compared with nt"
    assert re.search(r"\n\+\d\.\d{3}\*\nbetter", rows[2][column])
    assert rows[3][column].endswith("+0.000\nno difference")
    summaries = [summary.text for summary in elements(page, "[aria-labelledby=comparison] > details > summary")]
    assert re.match(r"nt_cl compared with nt: \d+ better, ", summaries[0])


def test_a_single_run_shows_values_and_intervals(opened, write) -> None:
    page = opened(page_of(open_runs([run(write, "nt", 2, intervals={"CIDEr": [0.9, 1.1]})])))
    assert cards(page) == {"R@1": ["0.500"], "CIDEr": ["1.000", "[0.900, 1.100]"]}
    assert elements(page, "#comparison, #settings") == []


def test_runs_of_other_images_have_no_cards(opened, write) -> None:
    other = [{**entry, "image_id": f"x{entry['image_id']}"} for entry in scored_images([1] * IMAGES)]
    files = [run(write, "nt", 2), write("other.metrics.json", other, {"R@1": 0.5})]
    page = opened(page_of(open_runs(files)))
    assert elements(page, ".cards, .systems, #comparison") == []
    assert "in common" in element(page, ".warning").text


def test_seeds_show_deviations_and_both_p_values(opened, write) -> None:
    made = {seed: [{"role": "checkpoint", "id": str(seed) * 16, "settings": {"seed": seed}}] for seed in range(6)}
    files = [run(write, f"nt_{seed}", 1 + seed, made_from=made[seed]) for seed in (0, 1, 2)]
    for cards_of_run in list(made.values())[3:]:
        cards_of_run[0]["settings"]["lr"] = 0.1
    files += [run(write, f"cl_{seed}", 4 + seed, made_from=made[seed]) for seed in (3, 4, 5)]
    page = opened(page_of(open_runs(files)))
    cider = cards(page)["CIDEr"]
    assert " ± " in cider[0] and re.fullmatch(r"baseline: \d\.\d+ ± \d\.\d+", cider[1])
    assert cider[3].startswith("better, p ") and cider[4].startswith("p over images ")
    settings = [row.text for row in elements(page, ".settings tbody tr")]
    assert settings == ["model lr – 0.1"]
    assert "–: the run has no such setting." in element(page, "[aria-labelledby=settings]").text


@pytest.mark.parametrize(("part", "apart"), [("tok", True), ("decoding", False)])
def test_metrics_measured_differently_are_listed_apart(write, part: str, apart: bool) -> None:
    signatures = [{"CIDEr": f"{part}:{value}"} for value in ("a", "b")]
    files = [run(write, name, 2, signatures=own) for name, own in zip(("nt", "other"), signatures, strict=True)]
    (system,) = compared_systems(compare_reported(open_runs(files)).compared)
    assert ("CIDEr" in [value.metric.name for value in system.values if not value.comparable]) == apart
    assert "mean_length" not in " ".join(system.evaluation)
    assert any(line.endswith(": tok a and b") and "CIDEr" in line for line in system.evaluation) == apart


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "{{ 7 * 7 }}"])
def test_names_and_settings_stay_text(opened, write, text: str) -> None:
    card = [{"role": text, "id": "1" * 16, "settings": {text: text}}]
    files = [run(write, "nt", 2), run(write, text.replace("/", ""), 7, made_from=card)]
    page = opened(page_of(open_runs(files)))
    assert elements(page, "img") == []
    assert text.replace("/", "") in element(page, ".compared").text


def test_rows_say_which_test_decides_where_they_differ(opened, write) -> None:
    made = [[{"role": "checkpoint", "id": str(n), "settings": {"seed": n % 2, "lr": n // 2}}] for n in range(4)]
    names = ("nt_0", "nt_1", "cl_0", "cl_1")
    files = [run(write, name, 1 + n, made_from=made[n]) for n, name in enumerate(names)]
    page = opened(page_of(open_runs([*files, run(write, "aa", 3)])))
    rows = [row.text for row in elements(page, ".systems tbody th")]
    assert rows[1:] == ["cl_{seed}, 2 seeds\ntested over seeds", "aa\ntested over images"]
    assert "Unique share is corrected among the other metrics" in element(page, ".top").text
    assert "Intervals are not corrected for the number of tests" in element(page, "[aria-labelledby=comparison]").text
