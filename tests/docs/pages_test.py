"""The pages: which code is run, which is not, and what they name."""

import re

import pytest

import keras_pixelcnn as kp
from docs.run_page import FENCE, blocks_to_run
from tests.commands import ROOT, check_program, programs

DOCS = ROOT / "docs"
PAGES = [
    pytest.param(path, id=path.relative_to(DOCS).as_posix())
    for path in sorted(DOCS.rglob("*.md"))
]
NOT_RUN = ("py", "shell")
NO_CODE = ("text",)


@pytest.mark.parametrize("page", PAGES)
class TestEachPage:
    """What holds for all pages in docs/."""

    def test_code_is_run_or_says_that_it_is_not(self, page):
        text = page.read_text(encoding="utf-8")
        assert text.count("\n```") % 2 == 0
        assert "\n    ```" not in text  # a block that is not found would not be run
        for found in FENCE.finditer(text):
            first_line = found[0].splitlines()[0]
            assert found[1] in ("python", "bash", *NOT_RUN, *NO_CODE), first_line
            if found[1] in NOT_RUN:
                assert ' title="' in first_line, f"say why not: {first_line}"

    def test_programs_and_their_flags_are_there(self, page):
        for words in programs(page.read_text(encoding="utf-8")):
            check_program(words)

    def test_has_one_title(self, page):
        prose = FENCE.sub("", page.read_text(encoding="utf-8"))
        assert prose.startswith("# ") and len(re.findall("^# ", prose, re.M)) == 1


def test_pages_have_code_that_is_run():
    texts = [page.values[0].read_text(encoding="utf-8") for page in PAGES]
    assert sum(bool(blocks_to_run(text)) for text in texts) >= 20


def test_the_reference_lists_all_public_names():
    pages = "".join(
        path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md")
    )
    listed = re.findall(r"^::: keras_pixelcnn\.(\S+)$", pages, re.MULTILINE)
    assert set(kp.__all__) - {"__version__"} <= set(listed)


def test_how_to_lists_its_pages():
    index = (DOCS / "how_to" / "index.md").read_text(encoding="utf-8")
    for path in (DOCS / "how_to").glob("*.md"):
        title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        if path.name != "index.md":
            assert f"[{title}]({path.name})" in index
            assert title.endswith("?")
