"""The report's page in a browser, light on a desk and dark on a phone."""

import pytest

from tests.browser import open_page
from tests.trainers.report_page import report_run
from trainers.report_page.page import write_page

SCRIPT = """
    <script>document.title = "ran"</script><img src="x" onerror="document.title='ran'">
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    workdir = report_run.finished_run(tmp_path_factory.mktemp("runs") / "digits")
    report_run.write_config(workdir, note=SCRIPT, dataset=SCRIPT)
    write_page(workdir, workdir / "report.html")
    return (workdir / "report.html").as_uri()


def ask(driver, expression):
    return driver.execute_script(f"return {expression}")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_opens_without_errors_and_fits(driver, page, width, scheme):
    open_page(driver, page, width, scheme)
    assert driver.get_log("browser") == []
    assert driver.title == "digits: training report"  # the script did not run
    assert ask(driver, "document.documentElement.scrollWidth") <= width
    broken = "[...document.images].filter((i) => !i.naturalWidth).length"
    assert ask(driver, f"[document.images.length, {broken}]") == [8, 0]
    shown = (
        "[...document.querySelectorAll('figure > svg')].filter((s) => s.clientWidth)"
    )
    assert ask(driver, f"{shown}.length") == 4
    colour = ask(driver, "getComputedStyle(document.body).backgroundColor")
    light = int(colour.removeprefix("rgb(").split(",")[0]) > 127
    assert light == (scheme == "light")
