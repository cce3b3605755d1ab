"""Attention on the page: which file belongs to which run, and what a word shows in the browser."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from clcap_cli.artifacts.attention import CaptionAttention, open_attention, write_attention
from clcap_cli.artifacts.feature_info import BackboneInfo, FeatureInfo, ImportedInfo
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.attention import find_attention
from clcap_cli.reporting.page.attention import attention_record
from clcap_cli.reporting.thumbnails import thumbnails
from tests.reporting.conftest import image
from tests.reporting.test_browser import element, elements
from tests.reporting.test_page import page_of

GRID = BackboneInfo(
    name="net",
    weights="random",
    weights_id="0",
    image_size=100,
    mean=(0, 0, 0),
    std=(1, 1, 1),
    interpolation="bicubic",
    crop_pct=0.5,
    regions=4,
    grid_channels=5,
    pooled_channels=5,
)
"""Features of the square in the middle of a picture whose side is half of the picture's shorter side."""


def looking(caption: str, sentinels: Sequence[float] | None = None, regions: int = 4) -> CaptionAttention:
    """A caption whose words attend to one region each: the first word to the first region, and so on."""
    words = caption.split(" ")
    ends = np.cumsum([len(word) + 1 for word in words]).astype(np.int32) - 1
    weights = np.eye(max(len(words), regions), regions, dtype=np.float16)[: len(words)]
    if sentinels is None:
        return CaptionAttention(caption, ends, weights, None)
    shares = 1 - np.array(sentinels)[:, None]
    return CaptionAttention(caption, ends, (weights * shares).astype(np.float16), np.array(sentinels, np.float16))


def write_file(
    path: Path, captions: Mapping, features: FeatureInfo = GRID, boxes: Sequence[np.ndarray] | None = None
) -> Path:
    write_attention(path, {id: [one] for id, one in captions.items()}, features, Origin("caption", {}), boxes)
    return path


def test_the_file_beside_a_run_is_found(write, tmp_path: Path) -> None:
    runs = open_runs([write(f"{name}.metrics.json", [image(1, "a dog"), image(2, "a cat")]) for name in ("nt", "aa")])
    assert find_attention(runs).by_run == {}
    path = write_file(tmp_path / "aa.attention.h5", {1: looking("a dog"), 3: looking("a cow")})
    found = find_attention(runs)
    assert {name: one.path for name, one in found.by_run.items()} == {"aa": path}
    assert found.messages == []


def test_a_given_file_belongs_to_the_run_with_its_captions(write, tmp_path: Path) -> None:
    runs = open_runs([write("nt.metrics.json", [image(1, "a dog")]), write("aa.metrics.json", [image(1, "a cat")])])
    path = write_file(tmp_path / "x.attention.h5", {1: looking("a cat")})
    assert list(find_attention(runs, [path]).by_run) == ["aa"]
    other = write_file(tmp_path / "y.attention.h5", {1: looking("a cow")})
    found = find_attention(runs, [other])
    assert found.by_run == {}
    assert found.messages == [
        f"{other} is not of captions of any of the runs, so the page leaves it out; caption --attention makes it again"
    ]


def test_attention_of_other_captions_is_left_out(write, tmp_path: Path) -> None:
    runs = open_runs([write("aa.metrics.json", [image(1, "a dog"), image(2, "a cat")])])
    path = write_file(tmp_path / "aa.attention.h5", {1: looking("a dog"), 2: looking("a cow")})
    found = find_attention(runs)
    assert found.by_run == {}
    assert found.messages == [
        f"{path} is not of the captions of aa, so the page leaves it out; caption --attention makes it again"
    ]
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(ClcapError, match="not a readable HDF5 file"):
        find_attention(runs)


def test_maps_beyond_the_budget_are_left_out(write, tmp_path: Path) -> None:
    images = [image(id, "🐕 dog") for id in range(5)]
    runs = open_runs([write("aa.metrics.json", images)])
    path = write_file(tmp_path / "aa.attention.h5", {id: looking("🐕 dog", (0, 0.5)) for id in range(5)})
    data = attention_record(runs, {"aa": open_attention(path)}, budget=40)
    assert data["images"] == 3, "each has 8 weights, which are 12 characters in base64"
    captions = data["runs"][0]["captions"]
    assert captions[0] == [[2, 6], "AIA=", "/wAAAAD/AAA=", ""]
    assert [bool(maps) for _, _, maps, _ in captions] == [True] * 3 + [False] * 2
    assert {sentinel for _, sentinel, _, _ in captions} == {"AIA="}


@pytest.fixture
def page(opened, write, tmp_path: Path) -> Callable[..., WebDriver]:
    """Open a page with a run that attends, one that does not, and a picture of 300 x 200 pixels."""

    def page(
        features: FeatureInfo = GRID,
        sentinels: Sequence[float] | None = (0.75, 0, 0.5),
        boxes: Sequence[np.ndarray] | None = None,
    ) -> WebDriver:
        texts = {"nt": "a dog", "aa": "a red dog"}
        runs = open_runs([write(f"{name}.metrics.json", [image(1, text)]) for name, text in texts.items()])
        looked = looking("a red dog", sentinels, features.regions)
        path = write_file(tmp_path / "aa.attention.h5", {1: looked}, features, boxes)
        Image.new("RGB", (300, 200), "red").save(tmp_path / "one.png")
        pictures = thumbnails({1: tmp_path / "one.png"})
        browser = opened(page_of(runs, pictures=pictures, attention={"aa": open_attention(path)}))
        browser.execute_script("document.querySelector('.picture').scrollIntoView({ block: 'center' })")
        WebDriverWait(browser, 10).until(lambda _: element(browser, ".picture img").get_property("naturalWidth"))
        return browser

    return page


def darkness_at(browser: WebDriver, *places: tuple[float, float]) -> list[bool]:
    """Whether the map is dark at places, given as shares of its width and height."""
    script = """
    const map = document.querySelector(".map"), copy = document.createElement("canvas");
    [copy.width, copy.height] = [map.width, map.height];
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(map, 0, 0);
    return arguments[0].map(([x, y]) => context.getImageData(x * map.width, y * map.height, 1, 1).data[3] / 255);
    """
    opacities = browser.execute_script(script, places)
    assert all(value < 0.2 or value > 0.6 for value in opacities), opacities
    return [value > 0.6 for value in opacities]


def boxes(browser: WebDriver, *selectors: str) -> list[list[int]]:
    script = "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
    script += "return [box.x, box.y, box.width, box.height].map(Math.round)"
    return [browser.execute_script(script, selector) for selector in selectors]


CORNER, FIRST, SECOND, FOURTH = (0.05, 0.05), (5 / 12, 3 / 8), (7 / 12, 3 / 8), (7 / 12, 5 / 8)
"""A place that the network does not see, and the centres of three regions."""


def test_a_word_shows_its_map_over_the_picture(page) -> None:
    browser = page()
    words = elements(browser, ".word")
    assert [word.text for word in words] == ["a", "red", "dog"]
    assert element(browser, ".attended").text == "a red dog"
    ActionChains(browser).move_to_element(words[0]).perform()
    assert darkness_at(browser, CORNER, FIRST, SECOND, FOURTH) == [True, False, True, True]
    ActionChains(browser).move_to_element(words[1]).perform()
    assert darkness_at(browser, CORNER, FIRST, SECOND, FOURTH) == [True, True, False, True]
    picture, drawn = boxes(browser, ".picture img", ".map")
    assert picture == drawn
    ActionChains(browser).move_to_element(element(browser, "h1")).perform()
    assert elements(browser, ".map") == []


def test_the_map_waits_for_a_picture_that_is_not_loaded(page) -> None:
    browser = page()
    picture = element(browser, ".picture img")
    source = picture.get_attribute("src")
    browser.execute_script("arguments[0].removeAttribute('src'); arguments[0].loading = 'eager'", picture)
    elements(browser, ".word")[1].click()
    assert elements(browser, ".map") == []
    browser.execute_script("arguments[0].src = arguments[1]", picture, source)
    WebDriverWait(browser, 10).until(lambda _: elements(browser, ".map"))
    assert darkness_at(browser, CORNER, SECOND) == [True, False]


def test_the_sentinel_is_shown_for_every_word(page) -> None:
    browser = page()
    readout, words = element(browser, ".attention"), elements(browser, ".word")
    assert [word.get_attribute("title") for word in words] == [
        "25% on the image, sentinel 75%",
        "100% on the image, sentinel 0%",
        "50% on the image, sentinel 50%",
    ]
    script = "return Number(arguments[0].style.getPropertyValue('--look'))"
    looks = [browser.execute_script(script, word) for word in words]
    assert looks == pytest.approx([0.25, 1, 0.5], abs=0.01)
    assert readout.text == "mean over the words: 58% of the weight on the image"
    words[2].click()
    assert readout.text == "“dog”: 50% on the image, sentinel 50%"
    assert "the rest (the sentinel): weight on the words before it" in element(browser, "main").text


def test_words_are_chosen_with_the_keyboard(page) -> None:
    browser = page()
    words = elements(browser, ".word")
    assert [word.get_attribute("tabindex") for word in words] == ["0", "-1", "-1"]
    browser.execute_script("arguments[0].focus()", words[0])
    browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert browser.switch_to.active_element.text == "red"
    assert [word.get_attribute("tabindex") for word in words] == ["-1", "0", "-1"]
    assert darkness_at(browser, SECOND) == [False]
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert elements(browser, ".map") == []


def test_maps_lie_over_the_picture_of_the_dialog(page) -> None:
    browser = page()
    element(browser, ".open").click()
    word = elements(browser, "#viewer .word")[1]
    word.click()
    assert darkness_at(browser, CORNER, SECOND) == [True, False]
    picture, drawn = boxes(browser, ".enlarged img", ".map")
    assert drawn[0] >= picture[0] and drawn[1] == picture[1] and drawn[2] <= picture[2]
    assert drawn[2] / drawn[3] == pytest.approx(1.5, abs=0.02)
    word.send_keys(Keys.ARROW_RIGHT)
    assert browser.switch_to.active_element.text == "dog", "arrows move between words, not images"


def test_a_model_without_sentinel_has_maps_only(page) -> None:
    browser = page(sentinels=None)
    words = elements(browser, ".word")
    words[0].click()
    assert element(browser, ".attention").text == "“a”"
    assert darkness_at(browser, FIRST) == [False]
    assert "sentinel" not in element(browser, "main").text


IMPORTED = ImportedInfo(name="regions", regions=3, grid_channels=5, pooled_channels=5)


def test_imported_regions_are_shown_by_their_boxes(page) -> None:
    corners = [[0, 0, 0.5, 0.5], [0.4, 0.4, 1, 1], [0.8, 0, 1, 0.2]]
    browser = page(IMPORTED, boxes=[np.array(corners, np.float32)])
    words = elements(browser, ".word")
    words[0].click()
    assert darkness_at(browser, (0.2, 0.2), (0.45, 0.45), (0.7, 0.7), (0.9, 0.1)) == [False, False, True, True]
    words[1].click()
    assert darkness_at(browser, (0.2, 0.2), (0.45, 0.45), (0.7, 0.7), (0.9, 0.1)) == [True, False, False, True]


def test_regions_without_places_have_the_sentinel_only(page) -> None:
    browser = page(IMPORTED)
    elements(browser, ".word")[0].click()
    readout = element(browser, ".attention").text
    assert readout == "“a”: 25% on the image, sentinel 75%; the place of the regions is not known"
    assert elements(browser, ".map") == []
    assert "Choose a word" not in element(browser, "main").text


def test_words_that_another_caption_lacks_stay_marked(page) -> None:
    browser = page()
    assert [mark.text for mark in elements(browser, "#images mark")] == ["red"]
    assert [word.text for word in elements(browser, "mark .word")] == ["red"]


@pytest.fixture
def phone(browser: WebDriver) -> Iterator[None]:
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    yield
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.usefixtures("phone")
def test_maps_are_shown_on_a_narrow_screen(page) -> None:
    browser = page()
    elements(browser, ".word")[1].click()
    picture, drawn = boxes(browser, ".picture img", ".map")
    assert picture == drawn
    item = "const item = document.querySelector('.image'); return item.scrollWidth <= item.clientWidth"
    assert browser.execute_script(item)
