"""A printed page is whole: tables fit the paper, and controls are left out."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from clcap_cli.evaluation.runs import open_runs
from tests.reporting.conftest import image
from tests.reporting.test_browser import element, elements
from tests.reporting.test_headline import run
from tests.reporting.test_narrow import LONG
from tests.reporting.test_page import page_of

PAPER = {"width": 718, "height": 1047, "deviceScaleFactor": 1, "mobile": False}
"""A4 with margins of 1 cm, in CSS pixels."""
WIDE = {f"BLEU-{n}": 0.1 * n for n in range(1, 5)} | {
    f"{name}_{kind}_of_5": 0.5 for name in ("CIDEr", "METEOR", "ROUGE_L") for kind in ("best", "mean")
}
CUT = """
return Array.from(document.querySelectorAll("table, table *, p, dl *")).filter((element) => {
  const box = element.getBoundingClientRect();
  return box.width > 0 && box.right > innerWidth + 1 && !element.closest(".hidden");
}).map((element) => `${element.tagName} ${element.textContent.slice(0, 50)}`);
"""


@pytest.fixture
def printed(opened, browser: WebDriver) -> Iterator:
    """Open a page as it is printed."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PAPER)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    yield opened
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_wide_table_prints_in_parts(printed, write) -> None:
    intervals = {name: [0.123, 0.456] for name in WIDE}
    files = [write(f"{name}.metrics.json", [image(1, "a dog")], WIDE, intervals=intervals) for name in ("nt", LONG)]
    page = printed(page_of(open_runs(files)))
    assert page.execute_script(CUT) == []
    tables = [table for table in elements(page, ".metrics") if table.is_displayed()]
    assert len(tables) == 2, "ten columns in two parts"
    shown = [cell.text for table in tables for cell in table.find_elements("css selector", "thead th")]
    assert shown.count("run") == 2 and len(shown) == 2 + len(WIDE)


def test_the_comparison_fits_the_paper(printed, write) -> None:
    files = [run(write, "nt", 2), run(write, LONG, 7), run(write, f"{LONG}2", 3)]
    page = printed(page_of(open_runs(files)))
    assert page.execute_script(CUT) == []
    assert element(page, ".systems").is_displayed()
    visible = "return Array.from(document.querySelectorAll('.comparison'), (table) => table.checkVisibility())"
    assert page.execute_script(visible) == [True, True], "tables that are folded on a screen"


def test_printed_parts_have_headings(printed, write) -> None:
    signatures = {"signatures": {"CIDEr": "refs:c5|tok:ptb"}}
    page = printed(page_of(open_runs([run(write, name, 2, **signatures) for name in ("nt", "aa", "tf")])))
    folded = "[aria-labelledby=metrics] > details"
    assert not any(one.is_displayed() for one in elements(page, folded)), "what is folded is left out"
    page.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    headings = [one.text for one in elements(page, f"{folded} > summary") if one.is_displayed()]
    assert [f"How {name} was scored" for name in ("nt", "aa", "tf")] == [one for one in headings if "How" in one]
    assert element(page, "[aria-labelledby=comparison] summary").is_displayed()


def test_the_list_says_which_images_are_printed(printed, write) -> None:
    images = [image(id, f"caption {id}", rank=1) for id in range(200)]
    page = printed(page_of(open_runs([write("nt.retrieval.json", images)])))
    page.execute_script("showFrom(40)")
    assert element(page, "#printed").text.startswith("Images 41 to ")
    assert [button.text for button in elements(page, "button:not(th button)") if button.is_displayed()] == []
