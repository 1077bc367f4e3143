"""A real browser for the tests of pages."""

import shutil

import pytest

OPTIONS = """
    --headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run
    --disable-background-networking --disable-component-update --disable-sync
    --window-size=1280,900
"""


def start_chromium(folder):
    """A headless Chromium that keeps its data in a new folder; else skips."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    from selenium.webdriver.chrome.service import Service

    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not chromedriver:
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    for argument in OPTIONS.split():
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={folder}")
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, Service(chromedriver))
