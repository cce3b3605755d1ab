"""Metrics files for tests, and a browser for the page."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver

from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.results import METRICS_KIND, RETRIEVAL_KIND

KINDS = {"metrics": METRICS_KIND, "retrieval": RETRIEVAL_KIND}


def scored_images(ranks: Sequence[int] = (), **scores: Sequence[float]) -> list[dict[str, Any]]:
    """The images' entries of a metrics file with captions and these scores, such as CIDEr, and ranks if given."""
    texts = {"caption": "a dog", "tokenised": "a dog", "references": ["a dog"]}
    rows = zip(*scores.values(), strict=True) if scores else [()] * len(ranks)
    ranked: Iterable[dict] = [{"rank": rank, "tied": 1, "pool_size": 1000} for rank in ranks] if ranks else repeat({})
    return [
        {"image_id": id, **texts, **dict(zip(scores, row, strict=True)), **rank}
        for id, (row, rank) in enumerate(zip(rows, ranked, strict=False))
    ]


def image(id: int | str, caption: str, **more: Any) -> dict[str, Any]:
    return {"image_id": id, "caption": caption, **more}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes NAME.metrics.json or NAME.retrieval.json with given images and metrics."""

    def write(file: str, images: list[dict], metrics: dict | None = None, **more: Any) -> Path:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = KINDS[path.stem.rsplit(".", 1)[1]]
        provenance = Origin("made up", {}).make_provenance(kind, file, path).model_dump()
        content = {"provenance": provenance, "metrics": metrics or {"images": len(images)}, "images": images, **more}
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes NAME.log.jsonl with given epochs."""

    def log(file: str, epochs: list[dict]) -> Path:
        path = tmp_path / file
        path.write_text("".join(json.dumps(epoch) + "\n" for epoch in epochs))
        return path

    return log


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Headless Chromium; skips the test if it or its driver is missing."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no chromium or no chromedriver here (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    quiet = ("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")
    profile = f"--user-data-dir={tmp_path_factory.mktemp('profile')}"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900", profile, *quiet):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    running = webdriver.Chrome(options=options, service=Service(driver))
    yield running
    running.quit()


@pytest.fixture
def opened(browser: WebDriver, tmp_path: Path) -> Iterator[Callable[[str], WebDriver]]:
    """Open a page, and check at the end that the browser logged no errors."""

    def opened(page: str) -> WebDriver:
        path = tmp_path / "report.html"
        path.write_bytes(page.encode("utf-8", "replace"))
        browser.get(path.as_uri())
        return browser

    yield opened
    assert browser.get_log("browser") == []
