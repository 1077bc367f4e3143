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


def open_page(driver, address, width, scheme):
    """Opens a page in a window of some width: of a phone, if it is below 600."""
    driver.get_log("browser")  # forgets what an earlier test left
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1}
    metrics["mobile"] = width < 600
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    driver.get(address)
