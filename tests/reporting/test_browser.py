"""The page in a real browser: no errors, sorting, filtering, search and keyboard control."""

from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.image_sources import ImageSources
from clcap_cli.reporting.thumbnails import thumbnails
from tests.reporting.conftest import image
from tests.reporting.test_page import EVIL, page_of

BEFORE = {1: ("a dog", 9), 2: ("a dog", 2), 3: ("a dog on the grass", 5), 4: ("a cat", 7.5)}
AFTER = {1: ("a big dog", 1), 2: ("a dog", 4), 3: ("a red dog's bone", 5), 4: ("a black cat sleeps", 2)}


def elements(browser: WebDriver, selector: str) -> list[WebElement]:
    return browser.find_elements(By.CSS_SELECTOR, selector)


def element(browser: WebDriver, selector: str) -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, selector)


def titles(browser: WebDriver) -> list[str]:
    return browser.execute_script("return Array.from(document.querySelectorAll('#images h3'), (h) => h.textContent)")


def press(browser: WebDriver, filter: str) -> None:
    element(browser, f"[data-filter={filter}]").click()


def search_for(browser: WebDriver, words: str) -> list[str]:
    search = element(browser, "#search")
    search.clear()
    search.send_keys(words)
    return titles(browser)


@pytest.fixture
def two_runs(opened, write, tmp_path: Path) -> WebDriver:
    """Two runs of four images, the first with an image file."""
    from PIL import Image

    paths = []
    for name, predictions, cider in (("nt", BEFORE, 1.0), ("nt_cl", AFTER, 0.5)):
        images = [image(id, text, rank=rank, CIDEr=cider) for id, (text, rank) in predictions.items()]
        paths.append(write(f"{name}.metrics.json", images, {"CIDEr": cider, "mean_rank": cider, "R@1": 0.1}))
    Image.new("RGB", (300, 200), "red").save(tmp_path / "one.png")
    image_sources = ImageSources({1: "one.png"}, {1: ["the dog, as people see it"]})
    return opened(page_of(open_runs(paths), image_sources, thumbnails({1: tmp_path / "one.png"})))


def test_images_of_two_runs_are_listed_side_by_side(two_runs: WebDriver) -> None:
    assert element(two_runs, "#count").text == "4 images"
    assert titles(two_runs) == ["one.png id 1", "2", "3", "4"]
    first = elements(two_runs, "#images > li")[0]
    assert [text.text for text in first.find_elements(By.CSS_SELECTOR, ".predictions .run")] == ["nt", "nt_cl"]
    assert [text.text for text in first.find_elements(By.CSS_SELECTOR, ".text")] == ["a dog", "a big dog"]
    facts = [text.text.split("\n") for text in first.find_elements(By.CSS_SELECTOR, ".facts")]
    assert facts == [
        ["rank 9", "CIDEr 1.00", "same caption as another image"],
        ["rank 9 → 1", "gained 8", "CIDEr 0.50"],
    ]
    image_path = first.find_element(By.TAG_NAME, "img")
    assert image_path.get_attribute("alt") == "one.png: the dog, as people see it"
    two_runs.execute_script("arguments[0].scrollIntoView()", image_path)
    WebDriverWait(two_runs, 10).until(lambda _: image_path.get_property("naturalWidth") == 300)
    references = first.find_element(By.CSS_SELECTOR, ".references")
    references.find_element(By.TAG_NAME, "summary").click()
    assert references.text == "1 reference\nthe dog, as people see it"


def test_words_that_only_one_model_used_are_marked(two_runs: WebDriver) -> None:
    marked = [
        [mark.text for mark in item.find_elements(By.TAG_NAME, "mark")] for item in elements(two_runs, "#images > li")
    ]
    assert marked == [["big"], [], ["dog on the grass", "red dog's bone"], ["black", "sleeps"]]
    assert element(two_runs, "#marked").text == "Marked words are missing in the other caption."


def test_filters_choose_images(two_runs: WebDriver) -> None:
    counts = {button.get_attribute("data-filter"): button.text for button in elements(two_runs, "[data-filter]")}
    assert counts == {
        "all": "All 4",
        "gained": "Gained 2",
        "lost": "Lost 1",
        "changed": "Caption changed 3",
        "generic": "Generic in nt_cl 0",
        "same": "Same caption as others 2",
    }
    press(two_runs, "gained")
    assert titles(two_runs) == ["one.png id 1", "4"]
    assert element(two_runs, "[data-filter=gained]").get_attribute("aria-pressed") == "true"
    assert element(two_runs, "[data-filter=all]").get_attribute("aria-pressed") == "false"
    assert element(two_runs, "#count").text == "2 of 4 images"
    press(two_runs, "lost")
    assert titles(two_runs) == ["2"]
    facts = element(two_runs, "#images .predictions > li:nth-child(2) .facts").text
    assert "caption unchanged" in facts, "only the model that ranks it differs"
    press(two_runs, "changed")
    assert titles(two_runs) == ["one.png id 1", "3", "4"]
    press(two_runs, "generic")
    assert titles(two_runs) == []
    press(two_runs, "same")
    assert titles(two_runs) == ["one.png id 1", "2"]


def test_the_compared_runs_can_be_chosen(two_runs: WebDriver) -> None:
    element(two_runs, "#before option[value='1']").click()
    element(two_runs, "#after option[value='0']").click()
    press(two_runs, "gained")
    assert titles(two_runs) == ["2"]
    assert element(two_runs, "[data-filter=generic]").text == "Generic in nt 2"
    press(two_runs, "generic")
    assert titles(two_runs) == ["one.png id 1", "2"]
    element(two_runs, "#after option[value='1']").click()
    assert not element(two_runs, "[data-filter=gained]").is_displayed(), "nothing is gained between a run and itself"


def test_a_filter_that_no_longer_applies_says_why(two_runs: WebDriver) -> None:
    press(two_runs, "gained")
    element(two_runs, "#after option[value='0']").click()
    assert len(titles(two_runs)) == 4
    assert "needs two different runs" in element(two_runs, "#notice").text
    assert element(two_runs, "#marked").text == "Marked words are missing in the caption of nt."
    element(two_runs, "#after option[value='1']").click()
    assert element(two_runs, "#notice").text == ""


def test_all_removes_every_condition(two_runs: WebDriver) -> None:
    search_for(two_runs, "dog")
    two_runs.execute_script("changeState({ ranges: { 'rank.after': [1, 1] } })")
    assert element(two_runs, "[data-filter=all]").get_attribute("aria-pressed") == "false"
    press(two_runs, "all")
    assert len(titles(two_runs)) == 4 and element(two_runs, "#search").get_property("value") == ""
    assert element(two_runs, "[data-filter=all]").get_attribute("aria-pressed") == "true"


def test_search_covers_captions_references_names_and_ids(two_runs: WebDriver) -> None:
    assert search_for(two_runs, "DOG big") == ["one.png id 1"]
    assert search_for(two_runs, "people see") == ["one.png id 1"]
    assert search_for(two_runs, "one.png") == ["one.png id 1"]
    assert search_for(two_runs, "4") == ["4"]
    assert search_for(two_runs, "giraffe") == []
    assert element(two_runs, "#count").text == "0 of 4 images"


def test_the_page_works_with_the_keyboard_alone(two_runs: WebDriver) -> None:
    element(two_runs, "body").send_keys("/")
    search = two_runs.switch_to.active_element
    assert search.get_attribute("id") == "search"
    search.send_keys("cat")
    assert titles(two_runs) == ["4"]
    search.send_keys(Keys.ESCAPE)
    assert len(titles(two_runs)) == 4
    element(two_runs, "[data-filter=lost]").send_keys(Keys.ENTER)
    assert titles(two_runs) == ["2"]
    element(two_runs, "#theme").send_keys(Keys.ENTER)
    assert element(two_runs, "#theme").text == "Theme: dark"
    assert two_runs.execute_script("return getComputedStyle(document.body).colorScheme") == "dark"


def test_tables_can_be_sorted(two_runs: WebDriver) -> None:
    button = element(two_runs, "[aria-label='Against the references'] thead th:nth-child(2) button")
    table = "[aria-label='Against the references'] tbody th"
    button.click()
    assert button.find_element(By.XPATH, "..").get_attribute("aria-sort") == "descending"
    assert [cell.text for cell in elements(two_runs, table)] == ["nt", "nt_cl"]
    button.click()
    assert button.find_element(By.XPATH, "..").get_attribute("aria-sort") == "ascending"
    assert [cell.text for cell in elements(two_runs, table)] == ["nt_cl", "nt"]
    rank = element(two_runs, "[aria-label='Self-retrieval'] thead th:nth-child(3) button")
    assert rank.text == "Mean rank ↓"
    rank.click()
    head = rank.find_element(By.XPATH, "..")
    assert head.get_attribute("aria-sort") == "ascending", "the best first: the lowest"


def test_many_images_are_shown_in_batches(opened, write) -> None:
    images = [image(id, f"caption {id}", rank=1 + id % 7) for id in range(500)]
    browser = opened(page_of(open_runs([write("nt.retrieval.json", images)])))
    assert element(browser, "#count").text == "500 images"
    assert 40 <= len(titles(browser)) < 500
    for _ in range(12):
        shown = len(titles(browser))
        if shown < 500:
            browser.execute_script("document.getElementById('more').click()")
            assert len(titles(browser)) > shown
            assert browser.switch_to.active_element.tag_name == "h3", "the reader goes on at the first new image"
    assert len(titles(browser)) == 500
    assert not element(browser, "#more").is_displayed()
    assert search_for(browser, "caption 499") == ["499"]


def test_a_jump_far_down_the_list_renders_few_images(opened, write) -> None:
    best = [{"image_id": 399, "log_prob": -1.0}, {"image_id": 5, "log_prob": -2.0}]
    images = [image(id, f"caption {id}", rank=2, best=best) for id in range(500)]
    browser = opened(page_of(open_runs([write("nt.retrieval.json", images)])))
    element(browser, ".taken button").click()
    assert element(browser, "#viewed").text == "399"
    element(browser, "#viewer .close").click()
    assert browser.switch_to.active_element.find_element(By.XPATH, "ancestor::li//h3").text == "399"
    assert titles(browser)[0] == "360" and len(titles(browser)) < 150
    browser.execute_script("document.getElementById('earlier').click()")
    assert titles(browser)[0] == "320"
    browser.execute_script("itemOf(images[3])")
    assert titles(browser)[0] == "0" and not element(browser, "#earlier").is_displayed()


def test_a_single_run_has_no_comparison(opened, write) -> None:
    browser = opened(page_of(open_runs([write("nt.metrics.json", [image(1, "a dog"), image(2, "a dog")])])))
    shown = [button.text for button in elements(browser, "[data-filter]") if button.is_displayed()]
    assert shown == ["All 2", "Same caption as others 2"]
    assert elements(browser, "mark, #before, #after") == []


def test_of_many_runs_the_two_chosen_are_shown(opened, write) -> None:
    paths = [write(f"nt_{seed}.metrics.json", [image(1, f"dog {seed}", rank=1)]) for seed in range(7)]
    browser = opened(page_of(open_runs(paths)))
    assert [text.text for text in elements(browser, ".text")] == ["dog 0", "dog 1"]
    element(browser, "#after option[value='5']").click()
    assert [text.text for text in elements(browser, ".text")] == ["dog 0", "dog 5"]


def test_images_of_only_one_run_are_listed(opened, write) -> None:
    paths = [write("a.metrics.json", [image(1, "a dog")]), write("b.metrics.json", [image(2, "a cat", rank=1)])]
    browser = opened(page_of(open_runs(paths)))
    assert [text.text for text in elements(browser, ".text")] == [
        "a dog",
        "not in this run",
        "not in this run",
        "a cat",
    ]
    assert "metrics cannot be compared" in element(browser, ".warning").text


def test_a_filter_scrolls_back_to_the_first_image(opened, write) -> None:
    images = [image(id, "a dog", rank=1) for id in range(120)]
    browser = opened(page_of(open_runs([write("nt.retrieval.json", images)])))
    browser.execute_script("document.getElementById('more').click(); scrollTo(0, 5000)")
    assert element(browser, "#controls").rect["y"] > 1000, "the controls stay in sight"
    press(browser, "same")
    assert browser.execute_script("return document.querySelector('#images').getBoundingClientRect().top") > 0


def test_a_caption_without_words_is_listed(opened, write) -> None:
    browser = opened(page_of(open_runs([write("nt.metrics.json", [image(1, "")])])))
    assert element(browser, "#images .text").text == "empty caption"


def test_hostile_captions_are_not_executed(opened, write) -> None:
    images = [image(EVIL, EVIL, rank=1), image("🐕 id", "a \ud83d dog 名 🐕", rank=2)]
    other = [image(EVIL, "x", rank=1), image("🐕 id", "a dog", rank=1)]
    paths = [write("nt.metrics.json", images), write("<b>x.metrics.json", other)]
    browser = opened(page_of(open_runs(paths), ImageSources(references={EVIL: [EVIL]})))
    assert element(browser, "#images .text").text == EVIL
    assert titles(browser)[1] == "🐕 id"
    assert browser.execute_script("return document.querySelectorAll('img, main b').length") == 0


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_the_window(two_runs: WebDriver, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    two_runs.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert two_runs.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    finally:
        two_runs.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
