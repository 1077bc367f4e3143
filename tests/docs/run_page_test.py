"""Running the code of a page."""

import pytest

from docs.run_page import PageError, blocks_to_run, run_page

pytest.importorskip("IPython", reason="needs the extra docs")
pytest.importorskip("matplotlib", reason="needs the extra docs")

PAGE = """# A page

```python
from PIL import Image

x = 3
print("printed")
x + 1
```

```py title="Not run"
raise RuntimeError
```

```python
Image.new("L", (x, 2))
```

```python
import matplotlib.pyplot as plt

_ = plt.plot([x])
```
"""


@pytest.mark.slow
def test_blocks_share_names_and_show_what_a_notebook_shows():
    printed, image, figure = run_page("page.md", PAGE)
    assert printed.text == "printed\n4\n" and not printed.pictures
    for output in (image, figure):
        (picture,) = output.pictures
        assert picture.png.startswith(b"\x89PNG") and not output.text
    assert image.pictures[0].width == 660 and figure.pictures[0].width == 640


@pytest.mark.slow
def test_a_failure_names_the_page_and_the_line():
    with pytest.raises(PageError, match=r"page\.md, the block at line 25:[^$]*no_name"):
        run_page("page.md", PAGE + "\n```python\nno_name\n```\n")
    with pytest.raises(PageError, match=r"Only `python -m \.\.\.` can be run.*rm -r"):
        run_page("page.md", "```bash\nrm -r x\n```\n")
    with pytest.raises(PageError, match=r"line 1: [^$]*config\.zoo"):
        run_page("p", "```bash\npython -m trainers.plan --config.zoo=1\n```\n")


def test_pages_without_code_run_nothing():
    assert run_page("page.md", "# A page\n\n```shell\nls\n```\n") == []
    assert len(blocks_to_run(PAGE)) == 3
