"""Wide tables on a screen of 1280 pixels: in parts that fit, sorted together."""

from selenium.webdriver.chrome.webdriver import WebDriver

from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.page.names import breakable
from tests.reporting.conftest import image
from tests.reporting.test_browser import elements
from tests.reporting.test_headline import run
from tests.reporting.test_narrow import LONG
from tests.reporting.test_page import page_of
from tests.reporting.test_print import WIDE


def rows(page: WebDriver) -> list[list[str]]:
    return [
        [cell.text for cell in table.find_elements("css selector", "tbody th")] for table in elements(page, ".metrics")
    ]


def test_no_table_scrolls_sideways(opened, write) -> None:
    intervals = {name: [0.123, 0.456] for name in WIDE}
    files = [run(write, f"{LONG}{at}", at + 1, **{"intervals": intervals}) for at in range(2)]
    files.append(write(f"{LONG}2.metrics.json", [image(1, "a dog")], WIDE, intervals=intervals))
    page = opened(page_of(open_runs(files)))
    page.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    wide = """
    return Array.from(document.querySelectorAll(".scroll")).filter((one) => one.scrollWidth > one.clientWidth)
      .map((one) => one.textContent.slice(0, 80));
    """
    assert page.execute_script(wide) == []


def test_the_parts_of_a_table_are_sorted_together(opened, write) -> None:
    files = [
        write(f"{name}.metrics.json", [image(1, "a dog")], WIDE | {"BLEU-1": value})
        for name, value in (("nt", 0.1), ("aa", 0.3), ("tf", 0.2))
    ]
    page = opened(page_of(open_runs(files)))
    assert rows(page) == [["nt", "aa", "tf"]] * 2
    elements(page, ".metrics thead button")[1].click()
    assert rows(page) == [["aa", "tf", "nt"]] * 2


def test_a_name_may_break_after_underscores() -> None:
    assert breakable("nt_cl_<b>") == "nt_<wbr>cl_<wbr>&lt;b&gt;"
    assert breakable("nt_") == "nt_"
