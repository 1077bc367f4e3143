"""The local server's page in a browser, by what a reader does and sees."""

import numpy as np
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait


class Page:
    """The page in the browser, by what a reader does and sees."""

    def __init__(self, driver, url):
        self.driver = driver
        driver.get_log("browser")  # forgets what an earlier test left
        driver.get(url)
        self.wait("document.body.hasAttribute('data-ready')")

    def find(self, name):
        element = self.driver.find_element(By.ID, name)
        show = "arguments[0].scrollIntoView({block: 'center'})"
        self.driver.execute_script(show, element)
        return element

    def write(self, name, value):
        field = self.find(name)
        field.clear()
        field.send_keys(str(value))

    def choose(self, name, text):
        Select(self.find(name)).select_by_visible_text(text)
        self.wait()

    def click(self, name):
        self.find(name).click()

    def wait(self, condition="!document.body.hasAttribute('data-busy')"):
        script = f"return {condition}"
        WebDriverWait(self.driver, 30, 0.02).until(lambda d: d.execute_script(script))

    def draw(self, button="draw"):
        self.click(button)
        self.wait()

    def text(self, name):
        return self.driver.find_element(By.ID, name).text

    def tiles(self, gallery="samples"):
        return self.driver.find_elements(By.CSS_SELECTOR, f"#{gallery} .tile")

    def captions(self, gallery="samples"):
        # Not by `text`, which leaves out what is still fading in.
        script = """
            const lines = (tile) => [...tile.querySelectorAll("span")]
                .map((line) => line.textContent).filter(Boolean).join(", ");
            return [...document.querySelectorAll(arguments[0])].map(lines)"""
        return self.driver.execute_script(script, f"#{gallery} .tile")

    def pixels(self, gallery="samples"):
        """What the images show, 0 to 255: (images, height, width, RGB)."""
        script = """
            return [...document.querySelectorAll(arguments[0])].map((image) => {
                const {naturalWidth: width, naturalHeight: height} = image;
                const paper = Object.assign(
                    document.createElement("canvas"), {width, height});
                const context = paper.getContext("2d");
                context.drawImage(image, 0, 0);
                const {data} = context.getImageData(0, 0, width, height);
                return [height, width, [...data]];
            })"""
        found = self.driver.execute_script(script, f"#{gallery} img")
        return np.array([np.reshape(x, (h, w, 4))[..., :3] for h, w, x in found])

    def levels(self, num_levels, gallery="samples"):
        """The grey images' levels: (images, height, width, 1)."""
        values = self.pixels(gallery)[..., :1]
        return np.rint(values * (num_levels - 1) / 255).astype(int)

    def stroke(self, image_size, *places, kind="mouse"):
        """Paints from pixel to pixel, (row, column), by a real pointer."""
        height, width = image_size
        canvas = self.find("canvas")
        actions = ActionBuilder(self.driver, PointerInput(kind, kind), duration=20)
        pointer = actions.pointer_action
        for i, (row, column) in enumerate(places):
            x = (column + 0.5) / width - 0.5
            y = (row + 0.5) / height - 0.5
            size = canvas.size
            pointer.move_to(canvas, round(x * size["width"]), round(y * size["height"]))
            if i == 0:
                pointer.pointer_down()
        pointer.pointer_up()
        actions.perform()

    def errors(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]
