"""The curves of the page in a real browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from clcap_cli.evaluation.runs import open_runs
from tests.reporting.conftest import image
from tests.reporting.test_browser import element, elements
from tests.reporting.test_page import page_of

LOSSES = [9.2, 3.0, 2.0, 2.5]
CARD = {"role": "checkpoint", "id": "0" * 16, "stage": "train-mle", "settings": {"select_by": "loss"}}
LOSS = "[data-plot='1']"


@pytest.fixture
def curves(opened: Callable[[str], WebDriver], write, log) -> WebDriver:
    """A run with a recall curve and a loss curve."""
    log("nt.log.jsonl", [{"epoch": epoch, "val_loss": loss} for epoch, loss in enumerate(LOSSES)])
    images = [image(id, "a dog", rank=id) for id in range(1, 21)]
    return opened(page_of(open_runs([write("nt.metrics.json", images, made_from=[CARD])])))


def drawn(browser: WebDriver, selector: str) -> None:
    """Scroll to a plot and wait until it is drawn."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element(browser, selector))
    WebDriverWait(browser, 10).until(lambda _: elements(browser, f"{selector} > svg"))


def texts(browser: WebDriver, selector: str) -> list[str]:
    return [text.get_attribute("textContent") for text in elements(browser, f"{selector} > svg text")]


def test_values_are_shown_on_hover(curves: WebDriver) -> None:
    drawn(curves, LOSS)
    dots = elements(curves, f"{LOSS} > svg [aria-label=dot] circle")
    ActionChains(curves).move_to_element_with_offset(dots[0], 3, -3).perform()
    shown = f"{LOSS} > svg [aria-label=tip] tspan"
    WebDriverWait(curves, 5).until(lambda _: elements(curves, shown))
    assert [line.get_attribute("textContent").strip("​") for line in elements(curves, shown)] == [
        "validation",
        "epoch 1",
        "loss 3",
    ]


def test_the_kept_epoch_is_marked_and_epoch_0_is_at_the_edge(curves: WebDriver) -> None:
    drawn(curves, LOSS)
    assert element(curves, f"{LOSS} .lines").text.split("\n") == ["validation", "kept epoch", "value beyond the axis"]
    assert "9.2" in texts(curves, LOSS), "the initial loss is written at the edge"
    circles = {
        radius: curves.execute_script(
            "return Array.from(document.querySelectorAll(arguments[0]), (dot) => dot.getAttribute('cy'))",
            f"{LOSS} > svg [aria-label=dot] circle[r='{radius}']",
        )
        for radius in (2.5, 7)
    }
    assert len(circles[2.5]) == 3, "epoch 0 is not on the line"
    assert circles[7] == [circles[2.5][1]], "the ring is around the lowest loss"


def test_each_curve_has_its_values_as_a_table(curves: WebDriver) -> None:
    rows = [
        [cell.get_attribute("textContent") for cell in row.find_elements(By.CSS_SELECTOR, "th, td")]
        for row in elements(curves, "figure:nth-of-type(2) table tr")
    ]
    assert rows == [["epoch", "validation"], ["0", "9.200"], ["1", "3.000"], ["2", "2.000"], ["3", "2.500"]]


def test_curves_are_drawn_when_they_come_into_view(opened, write, log) -> None:
    paths = [write(f"nt_{seed}.retrieval.json", [image(1, "a dog", rank=1)]) for seed in range(9)]
    for seed in range(9):
        log(f"nt_{seed}.log.jsonl", [{"epoch": epoch, "val_loss": loss} for epoch, loss in enumerate(LOSSES)])
    page = opened(page_of(open_runs(paths)))
    assert len(elements(page, "[data-plot]")) == 10
    assert not elements(page, "[data-plot='9'] > svg")
    drawn(page, "[data-plot='9']")


def test_validations_within_an_epoch_have_their_place(opened, write, log) -> None:
    epochs = [{"epoch": step / 3, "val_loss": loss} for step, loss in enumerate((9.2, 3.0, 2.0, 2.5))]
    log("nt.log.jsonl", epochs)
    page = opened(page_of(open_runs([write("nt.metrics.json", [image(1, "a dog")], {"CIDEr": 1.0}, made_from=[CARD])])))
    drawn(page, "[data-plot='0']")
    assert len(elements(page, "[data-plot='0'] > svg circle[r='7']")) == 1
    places = [head.get_attribute("textContent") for head in elements(page, "figure table [scope=row]")]
    assert places == ["0", "0.3333", "0.6667", "1"]


def test_curves_are_drawn_before_printing(curves: WebDriver) -> None:
    curves.execute_cdp_cmd("Page.printToPDF", {})
    assert len(elements(curves, "[data-plot] > svg")) == 2


def test_curves_have_the_colours_of_their_runs(curves: WebDriver, tmp_path: Path) -> None:
    drawn(curves, LOSS)
    line = element(curves, f"{LOSS} > svg [aria-label=line] path")
    dot = curves.execute_script("return getComputedStyle(document.querySelector('h1 .run')).getPropertyValue('--run')")
    assert line.find_element(By.XPATH, "..").get_attribute("stroke") == dot.strip()
