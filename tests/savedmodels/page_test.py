"""Tests of the local server's page, clicked through in a headless Chromium."""

import base64
import io
import pathlib

import numpy as np
import PIL.Image
import pytest

from keras_pixelcnn import GatedPixelCNN
from tests.test_case import randomize

pytest.importorskip("selenium", reason="the page's tests need selenium")
pytest.importorskip("aiohttp", reason="the local server needs aiohttp")

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from savedmodels.server import LocalServer
from tests.savedmodels.page_in_browser import Page

pytestmark = pytest.mark.op_by_op

NAMES = ["one", "two", "three"]
SIZE = HEIGHT, WIDTH = 5, 6
LEVELS = 5
TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.fixture(scope="module")
def models():
    """A model with optional labels, and one in colour that takes an embedding."""
    labels = GatedPixelCNN(
        (HEIGHT, WIDTH, 1),
        num_levels=LEVELS,
        filters=4,
        num_blocks=1,
        num_classes=3,
        condition_dropout=0.1,
    )
    colour = GatedPixelCNN(
        (2, 3, 3), num_levels=256, filters=3, num_blocks=1, embedding_dim=2
    )
    return {"labels": randomize(labels), "pictures": randomize(colour)}


@pytest.fixture(scope="module")
def server(models, tmp_path_factory):
    base = tmp_path_factory.mktemp("served")
    models["labels"].export(
        base / "labels" / "1",
        verbose=False,
        signatures=["sample_png", "complete_png", "log_prob_per_value"],
        label_names=NAMES,
        bits_per_dim=1.25,
    )
    models["pictures"].export(
        base / "pictures" / "7", verbose=False, signatures=["sample_png"]
    )
    with LocalServer({name: base / name for name in models}) as server:
        for name in models:
            server.wait_until_available(name, 60)
        yield server


@pytest.fixture
def page(driver, server):
    return Page(driver, server.rest_url)  # which takes the first model, "labels"


def test_it_shows_what_the_model_is(page):
    facts = page.text("facts").split("\n")
    facts = dict(zip(facts[::2], facts[1::2]))
    assert facts["Image"] == f"{WIDTH} {TIMES} {HEIGHT}, grey"
    assert facts["Levels"] == str(LEVELS)
    assert facts["Bits/dim"] == "1.250"
    assert facts["Version"] == "1"
    assert facts["Model"] == "GatedPixelCNN"
    options = [option.text for option in Select(page.find("label")).options]
    assert options == [*NAMES, "each in turn", "none"]


def test_samples_are_those_of_python_for_their_seeds(page, models):
    seeds = 2**53 + 5 + np.arange(5)  # more digits than JavaScript's numbers have
    page.choose("label", "two")
    page.write("temperature", 0.8)
    page.write("seed", seeds[0])
    page.write("count", 5)
    page.draw()
    assert page.captions() == [f"two, seed {seed}" for seed in seeds]
    expected = models["labels"].sample(5, seeds, 0.8, label=1)
    np.testing.assert_array_equal(page.levels(LEVELS), expected)
    assert page.text("status") == f"Drawn: 5 images, seeds {seeds[0]} to {seeds[-1]}."
    assert page.errors() == []


@pytest.mark.parametrize(
    ("choice", "labels"), [("none", [-1] * 4), ("each in turn", [0, 1, 2, 0])]
)
def test_labels_in_turn_and_none(page, models, choice, labels):
    page.choose("label", choice)
    page.write("seed", -(2**63))
    page.write("count", 4)
    page.draw()
    seeds = -(2**63) + np.arange(4)
    names = ["" if label < 0 else f"{NAMES[label]}, " for label in labels]
    assert page.captions() == [f"{n}seed {s}" for n, s in zip(names, seeds)]
    expected = models["labels"].sample(4, seeds, label=labels)
    np.testing.assert_array_equal(page.levels(LEVELS), expected)


def test_conditions_that_the_page_cannot_give_are_zeros_and_it_says_so(page, models):
    page.choose("model", "pictures")
    assert "embedding (2): it gives zeros" in page.text("zeros-note")
    assert not page.driver.find_element(By.ID, "label").is_displayed()
    page.write("count", 3)
    page.draw()
    expected = models["pictures"].sample(3, [1, 2, 3], embedding=np.zeros(2))
    np.testing.assert_array_equal(page.pixels(), expected)
    assert page.errors() == []


def test_a_painted_mask_is_completed_as_in_python(page, models):
    page.write("count", 3)
    page.draw()
    page.tiles()[1].click()
    page.stroke(SIZE, (1, 1), (1, 4), (3, 4))
    page.click("clear")
    # A corner, and a line on which the pointer reports only its ends.
    page.stroke(SIZE, (1, 1), (1, 4), (3, 4))
    page.stroke(SIZE, (4, 0))
    page.write("completion-seed", 70)
    page.write("completion-count", 4)
    page.draw("complete")

    mask = np.ones((HEIGHT, WIDTH), bool)
    mask[1, 1:5] = mask[1:4, 4] = mask[4, 0] = False
    assert page.text("marked").startswith(f"{(~mask).sum()} of {mask.size} pixels")
    assert page.captions("completions") == [f"one, seed {70 + i}" for i in range(4)]
    image = page.levels(LEVELS)[1]
    completed = page.levels(LEVELS, "completions")
    assert (completed[:, mask] == image[mask]).all()
    assert (completed[:, ~mask] != image[~mask]).any()
    expected = models["labels"].complete(
        np.repeat(image[None], 4, axis=0), mask, 70 + np.arange(4), label=0
    )
    np.testing.assert_array_equal(completed, expected)
    assert page.errors() == []


def _open_sample(page):
    page.write("count", 1)
    page.draw()
    page.tiles()[0].click()


def _marked(page):
    """How many pixels the page says are marked."""
    return int(page.text("marked").split()[0])


@pytest.mark.parametrize("kind", ["mouse", "touch"])
def test_every_kind_of_pointer_paints_and_erases(page, kind):
    _open_sample(page)
    page.stroke(SIZE, (0, 0), (0, 3), kind=kind)
    assert _marked(page) == 4
    page.find("completion").find_element(By.CSS_SELECTOR, "[value=erase]").click()
    page.stroke(SIZE, (0, 1), kind=kind)
    assert _marked(page) == 3


def test_lower_half_invert_clear_and_the_brush(page):
    _open_sample(page)
    page.click("lower-half")
    assert _marked(page) == 3 * WIDTH
    page.click("invert")
    assert _marked(page) == 2 * WIDTH
    page.click("clear")
    assert _marked(page) == 0
    page.find("brush").send_keys(Keys.ARROW_RIGHT)
    assert page.text("brush-size") == f"2 {TIMES} 2"
    page.stroke(SIZE, (1, 1))
    assert _marked(page) == 4
    page.stroke(SIZE, (HEIGHT - 1, WIDTH - 1))  # half of the brush is outside
    assert _marked(page) == 5


def test_everything_works_by_keys(page, models):
    keys = ActionChains(page.driver)
    page.write("count", 1)
    keys.send_keys(Keys.ENTER).perform()
    page.wait("document.querySelectorAll('#samples .tile').length")
    page.tiles()[0].send_keys(Keys.ENTER)
    page.wait("document.querySelector('#canvas').checkVisibility()")
    keys.send_keys(Keys.TAB).perform()  # to the upload
    keys.send_keys(Keys.TAB).perform()
    assert page.driver.switch_to.active_element.get_attribute("id") == "canvas"
    keys.send_keys(Keys.ARROW_LEFT, " ", Keys.ARROW_DOWN, " ").perform()
    assert page.text("marked").endswith("Row 4, column 3: marked.")
    page.find("completion-count").send_keys(Keys.ENTER)
    page.wait()
    mask = np.ones((HEIGHT, WIDTH), bool)
    mask[2:4, 2] = False
    images = np.repeat(page.levels(LEVELS), 9, axis=0)
    expected = models["labels"].complete(images, mask, 101 + np.arange(9), label=0)
    np.testing.assert_array_equal(page.levels(LEVELS, "completions"), expected)


# Uploads.


def _save(path, levels):
    values = np.rint(np.asarray(levels) * 255 / (LEVELS - 1)).astype("uint8")
    PIL.Image.fromarray(values).save(path)
    return str(path)


def test_an_uploaded_image_is_completed(page, models, tmp_path):
    image = np.random.default_rng(1).integers(0, LEVELS, (HEIGHT, WIDTH))
    page.find("upload").send_keys(_save(tmp_path / "mine.png", image))
    page.wait("document.querySelector('#canvas').checkVisibility()")
    page.wait()  # for its heat map
    assert page.text("complete-note").startswith("mine.png")
    page.click("lower-half")
    page.write("completion-count", 1)
    page.draw("complete")
    mask = np.arange(HEIGHT)[:, None] < 2 * np.ones(WIDTH)
    expected = models["labels"].complete(image[None, ..., None], mask, [101], label=0)
    np.testing.assert_array_equal(page.levels(LEVELS, "completions"), expected)
    assert page.errors() == []


def test_a_dropped_picture_shows_where_it_surprises_the_model(page, models, tmp_path):
    image = np.random.default_rng(2).integers(0, LEVELS, (HEIGHT, WIDTH))
    path = _save(tmp_path / "mine.png", image)
    drop = """
        const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], "mine.png", {type: "image/png"}));
        dispatchEvent(new DragEvent("drop", {dataTransfer, cancelable: true}));"""
    content = base64.b64encode(pathlib.Path(path).read_bytes()).decode()
    page.driver.execute_script(drop, content)
    page.wait("document.querySelector('#heat').checkVisibility()")
    nats = models["labels"].log_prob(image[None, ..., None], label=0, reduce=False)
    nats = nats.numpy()[0, ..., 0]
    bits = -nats.mean() / np.log(2)
    assert page.text("heat-note").startswith(f"{bits:.3f} bits/dim")
    shown = page.driver.execute_script("""
        const canvas = document.querySelector("#heat");
        const {width, height} = canvas;
        return [...canvas.getContext("2d").getImageData(0, 0, width, height).data];""")
    light = np.reshape(shown, (HEIGHT, WIDTH, 4))[..., :3].sum(axis=-1)
    order = np.argsort(nats.ravel())  # the most surprising first
    assert (np.diff(light.ravel()[order]) <= 3).all()  # but for rounding
    assert light.max() == 252 + 255 + 164 and light.argmax() == nats.argmin()
    assert page.errors() == []


def test_an_image_of_another_size_is_refused_in_the_servers_words(page, tmp_path):
    path = _save(tmp_path / "large.png", np.zeros((HEIGHT + 3, WIDTH), int))
    page.find("upload").send_keys(path)
    page.wait("document.querySelector('#error').textContent")
    rule = f"image_bytes must hold pictures of {WIDTH} x {HEIGHT} pixels"
    assert page.text("error").startswith(rule)
    assert not page.driver.find_element(By.ID, "workbench").is_displayed()
    page.click("dismiss")
    assert page.text("error") == ""


# What goes wrong.


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("temperature", 0, "temperature must be"),
        ("temperature", "", "must be a number above 0. Received: nothing"),
        ("seed", "1.5", "from -2^63 to 2^63 - 1. Received: 1.5"),
        ("seed", 2**63 - 19, f"from -2^63 to 2^63 - 1. Received: {2**63 - 19}"),
        ("count", 65, "an integer from 1 to 64. Received: 65"),
    ],
)
def test_impossible_values_are_answered_with_a_sentence(page, field, value, sentence):
    page.write(field, value)
    page.draw()
    assert sentence in page.text("error")
    assert page.tiles() == []
    assert page.find("draw").is_enabled()


def test_a_server_that_is_gone(page):
    page.driver.execute_script("window.fetch = () => Promise.reject(new TypeError())")
    page.draw()
    assert page.text("error") == "The server does not answer. Is it still running?"


def test_while_it_works_buttons_are_disabled_and_it_can_be_cancelled(page):
    # The first request is answered, the second never.
    page.driver.execute_script("""
        const [fetch, waiting] = [window.fetch, []];
        window.fetch = (url, options) => {
            if (!url.endsWith(":predict") || waiting.push(0) === 1)
                return fetch(url, options);
            return new Promise((_, refuse) => options.signal.addEventListener(
                "abort", () => refuse(new DOMException("", "AbortError"))));
        };""")
    page.click("draw")
    page.wait("document.querySelector('#status').textContent === 'Drawing 1 of 20'")
    assert not page.find("draw").is_enabled()
    assert not page.find("upload").is_enabled()
    page.draw("cancel")
    assert page.text("status") == "Cancelled."
    assert page.captions() == ["one, seed 1"]
    assert page.find("draw").is_enabled()
    assert not page.driver.find_element(By.ID, "cancel").is_displayed()


# For everyone.


def test_all_fields_and_buttons_have_names(page):
    _open_sample(page)
    fields = page.driver.find_elements(By.CSS_SELECTOR, "input, select, button, canvas")
    assert len(fields) > 15
    # What is hidden now has no name yet.
    unnamed = [f for f in fields if f.is_displayed() and not f.accessible_name]
    assert [field.get_attribute("outerHTML") for field in unnamed] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_both_schemes(page, scheme):
    send = page.driver.execute_cdp_cmd
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    feature = {"name": "prefers-color-scheme", "value": scheme}
    send("Emulation.setDeviceMetricsOverride", metrics)
    send("Emulation.setEmulatedMedia", {"features": [feature]})
    try:
        _open_sample(page)
        width = "document.documentElement.scrollWidth"
        assert page.driver.execute_script(f"return {width}") == 390
        picture = base64.b64decode(page.driver.get_screenshot_as_base64())
        shown = PIL.Image.open(io.BytesIO(picture)).convert("L")
        assert (shown.getpixel((2, 2)) > 128) == (scheme == "light")
    finally:
        send("Emulation.clearDeviceMetricsOverride", {})
        send("Emulation.setEmulatedMedia", {"features": []})


def test_it_loads_nothing_from_elsewhere(page, server):
    _open_sample(page)
    loaded = "performance.getEntriesByType('resource').map(entry => entry.name)"
    addresses = page.driver.execute_script(f"return {loaded}")
    assert f"{server.rest_url}/page/page.js" in addresses
    elsewhere = [a for a in addresses if not a.startswith((server.rest_url, "data:"))]
    assert elsewhere == []
