"""Nothing of the page is cut on a screen of 400 pixels: wide content scrolls in its own place or wraps."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.image_sources import ImageSources
from clcap_cli.reporting.thumbnails import thumbnails
from tests.reporting.test_browser import element
from tests.reporting.test_headline import run
from tests.reporting.test_page import page_of

WIDTH = 400
LONG = "a_long_name_of_a_run_with_all_of_its_settings_and_the_seed_of_its_training_"
CUT = """
const whole = (element) => element.closest(".scroll, dialog:not([open]), svg, .hidden, .skip, template, script, style");
return Array.from(document.body.querySelectorAll("*")).filter((element) => {
  const box = element.getBoundingClientRect();
  return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1) && !whole(element);
}).map((element) => `${element.tagName} ${element.className} ${element.textContent.slice(0, 50)}`);
"""
"""The elements that stick out of the window, except parts of what scrolls by itself."""


@pytest.fixture
def narrow(opened, browser: WebDriver) -> Iterator:
    """Open a page in a narrow window, with all of its details."""
    size = {"width": WIDTH, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def narrow(page: str) -> WebDriver:
        opened(page).execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
        return browser

    yield narrow
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("runs", [1, 2, 3, 6])
def test_nothing_is_cut_with_long_names(narrow, write, tmp_path: Path, runs: int) -> None:
    from PIL import Image

    intervals = {"intervals": {"CIDEr": [0.9, 1.1]}, "signatures": {"CIDEr": "refs:c5|" + "x" * 200}}
    card = [{"role": "checkpoint", "id": "1" * 16, "settings": {"out": LONG * 3}}]
    files = [run(write, f"{LONG}{at}", at + 1, 1.0 / (at + 1), **intervals) for at in range(runs - 1)]
    files.append(run(write, LONG, 5, made_from=card))
    Image.new("RGB", (900, 300), "red").save(tmp_path / "one.png")
    sources = ImageSources({0: f"{LONG}.png"}, {0: [LONG * 3]})
    page = narrow(page_of(open_runs(files), sources, thumbnails({0: tmp_path / "one.png"})))
    assert page.execute_script("return document.documentElement.scrollWidth") <= WIDTH
    assert page.execute_script(CUT) == []


def test_the_comparison_needs_no_scrolling(narrow, write) -> None:
    page = narrow(page_of(open_runs([run(write, "nt", 2), run(write, LONG, 7)])))
    scrolls = "const { scrollWidth, clientWidth } = document.querySelector('.comparison').parentElement;"
    assert page.execute_script(f"{scrolls} return scrollWidth <= clientWidth")
    shown = page.execute_script("""
    const row = [...document.querySelectorAll(".comparison tbody tr")].find((one) => one.textContent.includes("CIDEr"));
    const inside = (cell) => cell.getBoundingClientRect().right <= innerWidth && cell.getBoundingClientRect().left >= 0;
    return Array.from(row.cells, (cell) => inside(cell) && cell.textContent);
    """)
    assert len(shown) == 8 and all(shown) and "better" in shown


def test_only_regions_that_scroll_are_stops_of_the_tab_key(narrow, write) -> None:
    files = [run(write, name, 2) for name in ("nt", f"{LONG}1", f"{LONG}2")]
    page = narrow(page_of(open_runs(files)))
    stops = """
    return Array.from(document.querySelectorAll(".scroll"), (region) =>
      [region.scrollWidth > region.clientWidth, region.matches("[tabindex='0']")]);
    """
    WebDriverWait(page, 5).until(lambda _: any(stop for _, stop in page.execute_script(stops)))
    assert all(scrolls == stop for scrolls, stop in page.execute_script(stops))
    assert not all(scrolls for scrolls, _ in page.execute_script(stops))


def test_the_dialog_fills_a_narrow_window(narrow, write, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (900, 300), "red").save(tmp_path / "one.png")
    files = [run(write, name, 5) for name in ("nt", LONG)]
    sources = ImageSources({0: f"{LONG}.png"}, {0: [LONG * 3]})
    page = narrow(page_of(open_runs(files), sources, thumbnails({0: tmp_path / "one.png"})))
    page.execute_script("openViewer(images[0])")
    assert page.execute_script(CUT) == []
    box = element(page, "#viewer").rect
    assert (box["width"], box["height"]) == (WIDTH, 800)
    assert element(page, "#viewer .close").is_displayed()
