"""Takes the picture in the README: python docs/hooks/screenshot.py clcap-demo/report.html (needs chromium)."""

import shutil
import sys
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

SIZE = {"width": 900, "height": 960, "deviceScaleFactor": 1, "mobile": False}
"""Two images fit."""
SCROLL = "scrollTo(0, document.getElementById('images').offsetTop - document.getElementById('controls').offsetHeight)"
OUT = Path(__file__).resolve().parents[1] / "report.png"


def take(page: Path) -> None:
    """Write the picture: the captions whose rank improved most."""
    options = webdriver.ChromeOptions()
    for word in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(word)
    # Selenium looks on the network for a driver that is not named.
    with webdriver.Chrome(options, Service(shutil.which("chromedriver"))) as browser:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SIZE)
        browser.get(page.resolve().as_uri())
        browser.find_element(By.CSS_SELECTOR, "[data-filter=gained]").click()
        browser.execute_script(SCROLL)
        browser.save_screenshot(str(OUT))


if __name__ == "__main__":
    take(Path(sys.argv[1]))
