"""The dialog with an enlarged picture, and the images that a caption was taken for."""

from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.image_sources import ImageSources
from clcap_cli.reporting.thumbnails import thumbnails
from tests.reporting.conftest import image
from tests.reporting.test_browser import element, elements, press, search_for, titles
from tests.reporting.test_page import EVIL, page_of


def best(*ids: int | str) -> list[dict]:
    return [{"image_id": id, "log_prob": -1.0 - place} for place, id in enumerate(ids)]


@pytest.fixture
def ranked(opened, write, tmp_path: Path) -> WebDriver:
    """Three images with pictures; the captions of the second and third are taken for others."""
    from PIL import Image

    images = [
        image(1, "a dog", rank=1, best=best(1, 2)),
        image(2, "a wolf", rank=3, best=best(3, 1, 2)),
        image(3, "an animal", rank=2, best=best(1)),
    ]
    files = {id: tmp_path / f"{id}.png" for id in (1, 2, 3)}
    for path in files.values():
        Image.new("RGB", (400, 300), "red").save(path)
    sources = ImageSources({id: path.name for id, path in files.items()}, {1: ["the dog", "a hound"]})
    return opened(page_of(open_runs([write("nt.retrieval.json", images)]), sources, thumbnails(files)))


def taken_for(item) -> list[str]:
    return [place.text for place in item.find_elements(By.CSS_SELECTOR, ".place")]


def test_a_caption_shows_the_images_ranked_above_its_own(ranked: WebDriver) -> None:
    items = elements(ranked, "#images > li")
    assert [taken_for(item) for item in items] == [[], ["1: 3.png", "2: 1.png", "3: itself"], ["1: 1.png"]]
    assert [len(item.find_elements(By.CSS_SELECTOR, ".taken img")) for item in items] == [0, 3, 1]
    own = items[1].find_element(By.CSS_SELECTOR, ".own button")
    assert not own.is_enabled() and own.get_attribute("title") == "2.png: rank 3, ln p -3"


def test_a_tie_with_the_own_image_is_no_mistake(opened, write) -> None:
    images = [
        image(1, "a dog", rank=1.5, tied=2, best=best(2, 1)),
        image(2, "a dog", rank=1.5, tied=2, best=best(2, 1)),
    ]
    page = opened(page_of(open_runs([write("nt.retrieval.json", images)])))
    assert elements(page, ".taken") == []


def test_the_own_image_has_the_rank_of_the_tie(opened, write) -> None:
    images = [image(id, "a dog", rank=2.5, tied=2, best=best(3, 1, 2)) for id in (1, 2, 3)]
    page = opened(page_of(open_runs([write("nt.retrieval.json", images)])))
    assert taken_for(element(page, "#images > li")) == ["1: 3", "2.5: itself"]


def test_an_image_taken_for_another_leads_to_it(ranked: WebDriver) -> None:
    search_for(ranked, "wolf")
    element(ranked, ".taken button").click()
    assert element(ranked, "#viewed").text == "3.png id 3"
    assert element(ranked, "#viewer .position").text == "not among the images of the list"
    element(ranked, "#viewer .close").click()
    assert titles(ranked) == ["2.png id 2"], "the search is kept"


def test_a_picture_opens_enlarged_with_all_about_it(ranked: WebDriver) -> None:
    element(ranked, "#images .open").click()
    viewer = element(ranked, "#viewer")
    assert viewer.is_displayed()
    assert element(ranked, "#viewed").text == "1.png id 1"
    assert viewer.find_element(By.CSS_SELECTOR, ".enlarged img").size["width"] > 300
    assert viewer.find_element(By.CSS_SELECTOR, ".text").text == "a dog"
    assert viewer.find_element(By.CSS_SELECTOR, ".facts").text == "rank 1"
    assert viewer.find_element(By.CSS_SELECTOR, ".listed").text == "the dog\na hound"
    assert viewer.find_element(By.CSS_SELECTOR, ".position").text == "1 of 3"


def test_arrow_keys_step_and_escape_returns(ranked: WebDriver) -> None:
    element(ranked, "#images .open").send_keys(Keys.ENTER)
    ranked.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert element(ranked, "#viewed").text == "2.png id 2"
    assert taken_for(element(ranked, "#viewer")) == ["1: 3.png", "2: 1.png", "3: itself"]
    ranked.switch_to.active_element.send_keys(Keys.ARROW_LEFT)
    ranked.switch_to.active_element.send_keys(Keys.ARROW_LEFT)
    assert element(ranked, "#viewed").text == "1.png id 1", "there is none before the first"
    ranked.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    ranked.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not element(ranked, "#viewer").is_displayed()
    item = ranked.switch_to.active_element.find_element(By.XPATH, "ancestor::li")
    assert item.find_element(By.TAG_NAME, "h3").text == "2.png id 2"


def test_the_dialog_follows_the_filter_of_the_list(ranked: WebDriver) -> None:
    search_for(ranked, "animal")
    element(ranked, "#images .open").click()
    assert element(ranked, "#viewer .position").text == "1 of 1"
    element(ranked, "#viewer .taken button").click()
    assert element(ranked, "#viewed").text == "1.png id 1"
    assert element(ranked, "#viewer .position").text == "not among the images of the list"
    element(ranked, "#viewer .close").click()
    assert titles(ranked) == ["3.png id 3"]


def test_images_without_pictures_open_too(opened, write) -> None:
    images = [image(EVIL, EVIL, rank=2, best=best(EVIL * 2)), image(2, "a cat", rank=1)]
    page = opened(page_of(open_runs([write("nt.retrieval.json", images)])))
    element(page, "#images .open").click()
    assert element(page, "#viewer .text").text == EVIL
    assert taken_for(element(page, "#viewer")) == [f"1: {EVIL * 2}"]
    element(page, "#viewer .close").click()
    press(page, "all")
