"""Charts over images, the view in the address and the export of the list, in a real browser."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from clcap_cli.datasets.spreadsheet_cells import as_cell
from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.image_sources import ImageSources
from clcap_cli.reporting.thumbnails import thumbnails
from tests.reporting.conftest import image
from tests.reporting.test_browser import element, elements, press, search_for, titles
from tests.reporting.test_page import EVIL, page_of

Opened = Callable[[str], WebDriver]
RANKS = {"nt": [8, 4, 2, 1, 6, 7, 3, 5], "nt_cl": [1, 2, 3, 4, 1, 1, 8, 1]}
CIDER = {"nt": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], "nt_cl": [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]}


@pytest.fixture
def explored(opened: Opened, write) -> WebDriver:
    """Two runs of eight images with ranks, CIDEr and METEOR."""
    paths = []
    for name in RANKS:
        values = enumerate(zip(RANKS[name], CIDER[name], strict=True), 1)
        images = [image(id, "a dog " * id, rank=rank, CIDEr=cider, METEOR=id / 10) for id, (rank, cider) in values]
        paths.append(write(f"{name}.metrics.json", images))
    return opened(page_of(open_runs(paths), ImageSources({1: "=one.png"}, {1: ["a dog, seen", "=1+1"]})))


def drawn(browser: WebDriver, chart: str) -> None:
    """Scroll to a chart and wait until it is drawn."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element(browser, f"#{chart}"))
    WebDriverWait(browser, 10).until(lambda _: elements(browser, f"#{chart} .overlay"))


def choose(browser: WebDriver, control: str, axis: str) -> None:
    element(browser, f"[data-axis-control={control}] option[value='{axis}']").click()


def limit(browser: WebDriver, control: str, low: str, high: str) -> None:
    for part, text in (("low", low), ("high", high)):
        box = element(browser, f"[data-axis-control={control}] .{part}")
        box.clear()
        box.send_keys(text, Keys.TAB)


def drag(browser: WebDriver, chart: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag over a chart between two places, given as shares of its width and height."""
    area = element(browser, f"#{chart} .overlay")
    places = [(round((x - 0.5) * area.rect["width"]), round((y - 0.5) * area.rect["height"])) for x, y in (start, end)]
    actions = ActionChains(browser, duration=20).move_to_element_with_offset(area, *places[0]).click_and_hold()
    actions.move_to_element_with_offset(area, *places[1]).release().perform()


def chips(browser: WebDriver, place: str = "chips") -> list[str]:
    return [chip.text.removesuffix(" ✕") for chip in elements(browser, f"#{place} .chip")]


def address(browser: WebDriver) -> str:
    return browser.execute_script("return decodeURIComponent(location.hash)")


def ids(browser: WebDriver) -> list[str]:
    return [title.split(" id ")[-1] for title in titles(browser)]


def test_a_brush_on_the_histogram_filters_the_list(explored: WebDriver) -> None:
    choose(explored, "histogram", "CIDEr.after")
    drawn(explored, "histogram")
    drag(explored, "histogram", (0.02, 0.5), (0.27, 0.5))
    assert ids(explored) == ["6", "7", "8"]
    assert chips(explored) == ["CIDEr of nt_cl: 0.1 to 0.3"], "the range is that of whole bars"
    assert "3 of 8 images" in element(explored, "#count").text
    element(explored, "#chips .chip").click()
    assert len(titles(explored)) == 8
    assert not elements(explored, "#histogram .selection[width]"), "the brush is removed with its chip"


def test_limits_can_be_entered_with_the_keyboard(explored: WebDriver) -> None:
    choose(explored, "histogram", "length.after")
    limit(explored, "histogram", "5", "9")
    assert ids(explored) == ["3", "4"]
    assert chips(explored) == ["Caption length in words of nt_cl: 5 to 9"]
    limit(explored, "histogram", "", "9")
    assert chips(explored) == ["Caption length in words of nt_cl: at most 9"]
    limit(explored, "histogram", "", "")
    assert chips(explored) == []


def test_a_brush_on_the_scatter_plot_selects_images(explored: WebDriver) -> None:
    drawn(explored, "scatter")
    drag(explored, "scatter", (0.75, 0.6), (1, 1))
    assert ids(explored) == ["1", "5", "6", "8"]
    assert chips(explored) == ["Rank of nt: 5 to 8", "Rank of nt_cl: 1 to 2"]
    assert len(elements(explored, "#scatter circle.left-out")) == 4


def test_a_dot_shows_its_image_and_a_click_selects_it(explored: WebDriver) -> None:
    drawn(explored, "scatter")
    dots = elements(explored, "#scatter circle")
    ActionChains(explored, duration=20).move_to_element(dots[6]).perform()
    card = element(explored, "#hovered")
    assert "Rank of nt: 3" in card.text and "nt_cl: a dog a dog" in card.text
    assert element(explored, "#diagonal").text.endswith("below it, nt_cl is better.")
    ActionChains(explored, duration=20).click(dots[6]).perform()
    assert ids(explored) == ["7"]
    assert chips(explored) == ["Image: 7"]
    more = ActionChains(explored, duration=20).key_down(Keys.SHIFT).click(dots[1]).key_up(Keys.SHIFT)
    more.perform()
    assert ids(explored) == ["2", "7"]
    assert address(explored) == "#image=7&image=2"


def test_a_click_on_a_dot_needs_no_other_condition_removed(explored: WebDriver) -> None:
    press(explored, "gained")
    drawn(explored, "scatter")
    drag(explored, "scatter", (0.75, 0.6), (1, 1))
    dots = elements(explored, "#scatter circle")
    ActionChains(explored, duration=20).click(dots[4]).perform()
    assert (ids(explored), address(explored)) == (["5"], "#filter=gained&rank.before=5..8&rank.after=1..2&image=5")
    ActionChains(explored, duration=20).click(dots[2]).perform()
    assert (ids(explored), address(explored)) == (["3"], "#image=3"), "conditions that exclude the image are removed"


def test_a_selection_without_images_is_described(explored: WebDriver) -> None:
    drawn(explored, "scatter")
    drag(explored, "scatter", (0.1, 0.5), (0.6, 0.5))
    assert chips(explored) == [], "a selection without height selects nothing"
    drag(explored, "scatter", (0.1, 0.95), (0.25, 0.8))
    assert chips(explored) == ["Rank of nt: 1 to 2", "Rank of nt_cl: 1 to 2"], "limits are whole and in order"


def test_the_focus_stays_on_conditions(explored: WebDriver) -> None:
    choose(explored, "histogram", "CIDEr.after")
    limit(explored, "histogram", "0.2", "")
    element(explored, "#chips .chip").send_keys(Keys.ENTER)
    assert explored.switch_to.active_element.get_attribute("id") == "search"


def test_a_report_without_captions_has_no_charts(opened: Opened) -> None:
    page = opened(page_of([]))
    assert not element(page, "#exploring").is_displayed()
    page.execute_cdp_cmd("Page.printToPDF", {})


def test_the_list_is_sorted_by_a_metric(explored: WebDriver) -> None:
    element(explored, "#sort option[value='rank.before']").click()
    assert ids(explored) == ["1", "6", "5", "8", "2", "7", "3", "4"]
    element(explored, "#direction").click()
    assert ids(explored) == ["4", "3", "7", "2", "8", "5", "6", "1"]
    assert "sorted by rank of nt, lowest first" in element(explored, "#explained").text
    assert address(explored) == "#sort=rank.before&order=ascending"


def test_the_address_opens_the_same_view(explored: WebDriver) -> None:
    press(explored, "gained")
    search_for(explored, "dog")
    choose(explored, "histogram", "CIDEr.change")
    limit(explored, "histogram", "-0.2", "")
    element(explored, "#sort option[value='METEOR.after']").click()
    expected = "#filter=gained&search=dog&CIDEr.change=-0.2..&sort=METEOR.after&histogram=CIDEr.change"
    assert address(explored) == expected
    shown = ids(explored)
    assert shown == ["5", "2", "1"]
    explored.refresh()
    assert (ids(explored), address(explored)) == (shown, expected)
    assert element(explored, "#search").get_attribute("value") == "dog"
    assert element(explored, "[data-axis-control=histogram] .low").get_attribute("value") == "-0.2"
    assert element(explored, "[data-filter=gained]").get_attribute("aria-pressed") == "true"


def test_back_and_forward_step_through_the_views(explored: WebDriver) -> None:
    press(explored, "gained")
    search_for(explored, "dog a dog a dog")
    gained = ids(explored)
    explored.back()
    assert element(explored, "#search").get_attribute("value") == "", "a search is one step"
    explored.back()
    assert len(ids(explored)) == 8
    explored.forward()
    explored.forward()
    assert ids(explored) == gained


def test_the_compared_runs_are_in_the_address(explored: WebDriver) -> None:
    element(explored, "#before option[value='1']").click()
    element(explored, "#after option[value='0']").click()
    assert address(explored) == "#before=nt_cl&after=nt"
    explored.refresh()
    assert element(explored, "#before").get_attribute("value") == "1"
    press(explored, "gained")
    assert ids(explored) == ["7", "4", "3"]


UNKNOWN = ("#captions", "#a", "#filter=none&rank.after=x..&sort=&image=99&=&%", "#CIDEr.after=..")


def test_an_unknown_address_shows_all_images(explored: WebDriver) -> None:
    for number, hash in enumerate(UNKNOWN):
        page = explored.current_url.split("?")[0]
        explored.get(f"{page}?{number}{hash}")  # another query loads the page again
        assert len(ids(explored)) == 8


def test_an_anchor_keeps_the_view(explored: WebDriver) -> None:
    press(explored, "gained")
    explored.execute_script("location.hash = 'captions'")
    assert len(ids(explored)) == 5


def test_an_empty_list_says_what_to_remove(explored: WebDriver) -> None:
    press(explored, "lost")
    choose(explored, "histogram", "rank.after")
    limit(explored, "histogram", "", "1")
    search_for(explored, "cat")
    assert chips(explored, "conditions") == ["Lost", "Search: cat", "Rank of nt_cl: at most 1"]
    elements(explored, "#conditions .chip")[1].click()
    assert element(explored, "#search").get_attribute("value") == ""
    elements(explored, "#conditions .chip")[0].click()
    assert ids(explored) == ["1", "5", "6", "8"]
    assert not element(explored, "#empty").is_displayed()
    search_for(explored, "cat")
    element(explored, "#show-all").click()
    assert len(ids(explored)) == 8 and address(explored) == "#histogram=rank.after"


def downloaded(browser: WebDriver, folder: Path, button: str) -> Path:
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    browser.execute_script("arguments[0].click()", element(browser, f"#{button}"))
    suffix = button.removeprefix("export-")
    WebDriverWait(browser, 10).until(lambda _: list(folder.glob(f"*_images.{suffix}")))
    return next(folder.glob(f"*_images.{suffix}"))


def test_the_list_is_exported(explored: WebDriver, tmp_path: Path) -> None:
    press(explored, "gained")
    with downloaded(explored, tmp_path, "export-csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image_id"] for row in rows] == ids(explored)
    first = rows[0]
    assert first["file_name"] == "'=one.png" and first["reference 2"] == "'=1+1", "no cell is a formula"
    assert (first["reference 1"], first["nt: rank"], first["nt_cl: METEOR"]) == ("a dog, seen", "8", "0.1")
    records = json.loads(downloaded(explored, tmp_path, "export-json").read_text())
    assert [str(record["image_id"]) for record in records] == ids(explored)
    assert records[0]["file_name"] == "=one.png"
    assert records[0]["predictions"]["nt_cl"]["CIDEr"] == 0.8


CELLS = ("=1", "-1+1", "'=1", "＝1", "-1", "+2.5e3", "a=1", "'a", 'say "=1", twice', "\t=1", "two\nlines", "")


def test_cells_are_written_as_tables_write_them(explored: WebDriver) -> None:
    written = explored.execute_script("return arguments[0].map(csvCell).join('\\n')", CELLS)
    rows = csv.reader(io.StringIO(f"{written}\n", newline=""))
    assert [cell for row in rows for cell in row or [""]] == [as_cell(cell) for cell in CELLS]


WHOLE = [[1], [0, 3], [1, 2, 3, 99], [0], [7, 7, 7], list(range(1, 500, 7))]
VALUES = {
    "rank.after": [[1], [1, 1], [1, 2.5, 5000], [3, 4], list(range(1, 5000, 13))],
    "rank.change": [[0], [-1, 1], [-4999, 3], [5, 6], [-7, -6.5], list(range(-300, 4000, 11))],
    "length.after": WHOLE,
    "CIDEr.after": [[0.0], [0.1, 0.2, 0.3], [0, 10], [1e-9, 2e-9], [-3.7, 4.2, 0.1 + 0.2], [0.7000000000000001, 0.7]],
}


def test_every_image_is_in_a_bar(explored: WebDriver) -> None:
    for axis, values in [(axis, values) for axis, examples in VALUES.items() for values in examples]:
        bins = explored.execute_script(
            "const bins = binsOf(axisOf(arguments[0]), arguments[1]); count(bins, arguments[1], () => true, 'images');"
            "return bins",
            axis,
            values,
        )
        assert 1 <= len(bins) <= 100
        assert all(one["from"] < one["to"] for one in bins)
        assert sum(one["images"] for one in bins) == len(values)


def test_links_within_the_page_keep_the_view(explored: WebDriver) -> None:
    press(explored, "gained")
    element(explored, "#exploring a").click()
    assert address(explored) == "#filter=gained"
    assert explored.switch_to.active_element.get_attribute("id") == "captions"


def test_the_image_under_the_pointer_has_its_picture(opened: Opened, write, tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), "red").save(tmp_path / "one.png")
    images = [image(1, EVIL, rank=1, CIDEr=0.5), image(2, "a dog", rank=9, CIDEr=1)]
    runs = open_runs([write("<b>nt.metrics.json", images)])
    page = opened(page_of(runs, ImageSources({1: EVIL}), thumbnails({1: tmp_path / "one.png"})))
    drawn(page, "scatter")
    ActionChains(page, duration=20).move_to_element(element(page, "#scatter circle")).perform()
    card = element(page, "#hovered")
    assert card.text.startswith(EVIL) and card.text.endswith("Rank: 1\nCIDEr: 0.5")
    assert len(card.find_elements(By.TAG_NAME, "img")) == 1
    assert not card.find_elements(By.TAG_NAME, "b")


def test_runs_without_ranks_can_be_explored(opened: Opened, write) -> None:
    page = opened(page_of(open_runs([write("nt.metrics.json", [image(1, "a dog"), image(2, "a dog runs")])])))
    drawn(page, "histogram")
    drawn(page, "scatter")
    assert element(page, "#histogram").get_attribute("aria-label") == (
        "Histogram of Caption length in words over 2 images: from 2 to 3, median 2.5."
    )
    assert page.find_elements(By.CSS_SELECTOR, "#scatter circle")
