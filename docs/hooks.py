"""Hooks for MkDocs: they find pages that lie elsewhere, run code, and set formulas.

- Pages of the repository that stand beside what they describe are pages of the site;
  links of all pages to other files of the repository lead to copies of these.
- The code of the pages in docs/ is run; what it gives stands below it.
- Formulas become MathML, which browsers draw without a script.
"""

import html
import logging
import os
import pathlib
import re

import jupytext
import nbformat
from latex2mathml import converter
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.run_page import ROOT, Output, blocks_to_run, run_page

_log = logging.getLogger("mkdocs.hooks.code")

PRETRAINED = ROOT / "keras_pixelcnn" / "pretrained"

PAGES_ELSEWHERE = {
    "index.md": ROOT / "README.md",
    "benchmarks.md": ROOT / "benchmarks" / "README.md",
    "deployment.md": ROOT / "savedmodels" / "deployment" / "README.md",
    "changelog.md": ROOT / "CHANGELOG.md",
    "contributing.md": ROOT / "CONTRIBUTING.md",
    "security.md": ROOT / "SECURITY.md",
    **{
        f"presets/{card.parent.name}.md": card
        for card in sorted(PRETRAINED.glob("*/README.md"))
    },
}
"""Pages that do not lie in docs/, by their place in the site."""

_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
_FORMULA = re.compile(
    r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that lie elsewhere."""
    for place, path in PAGES_ELSEWHERE.items():
        files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Follows links out of the page's folder, and runs its code."""
    place = page.file.src_uri
    if place not in PAGES_ELSEWHERE and blocks_to_run(markdown):
        markdown = _with_outputs(place, markdown, config, files)
    return _follow_links(markdown, page, config, files)


def on_page_content(content: str, page: Page, **_: object) -> str:
    """Draws the formulas."""
    return _FORMULA.sub(_as_mathml, content)


def _as_mathml(found: re.Match[str]) -> str:
    display = "block" if found[1] == "div" else "inline"
    return converter.convert(html.unescape(found[2]).strip(), display=display)


def _follow_links(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Makes links as they are in the repository such as lead there in the site."""
    place = page.file.src_uri
    source = PAGES_ELSEWHERE.get(place, ROOT / "docs" / place)
    places = {path: place for place, path in PAGES_ELSEWHERE.items()}

    def follow(found: re.Match[str]) -> str:
        target = pathlib.Path(os.path.normpath(source.parent / found[1]))
        docs = ROOT / "docs"
        if not target.is_file() or not target.is_relative_to(ROOT):
            return found[0]  # for MkDocs, which knows its own pages and tells errors
        if target in places:
            there = places[target]
        elif target.is_relative_to(docs):
            there = target.relative_to(docs).as_posix()
        else:
            there = f"files/{target.relative_to(ROOT).as_posix()}"
            if files.get_file_from_path(there) is None:
                files.append(File.generated(config, there, abs_src_path=str(target)))
        relative = os.path.relpath(there, pathlib.PurePosixPath(place).parent)
        return relative + (found[2] or "")

    return _LINK.sub(follow, markdown)


def _with_outputs(place: str, markdown: str, config: MkDocsConfig, files: Files) -> str:
    """The page as a notebook too, with what each block gave below it."""
    outputs: list[Output] = []
    if config.extra["run_code"]:
        outputs = run_page(place, markdown)
        seconds = sum(output.cpu_seconds for output in outputs)
        _log.info("%s: %.0f s of CPU", place, seconds)
    stem, top = place.removesuffix(".md"), "../" * place.count("/")
    notebook = f"notebooks/{stem}.ipynb"
    text = nbformat.writes(jupytext.reads(markdown, fmt="md"), version=4)
    files.append(File.generated(config, notebook, content=text))
    title, _, rest = markdown.partition("\n")
    told = "The code below was run to make this page."
    parts = [f"{title}\n\n*{told} [As a notebook]({top}{notebook}).*\n"]
    end = number = 0
    for block, output in zip(blocks_to_run(rest), outputs, strict=False):
        parts.append(rest[end : block.end()])
        end = block.end()
        if output.text.strip():
            text = output.text.strip("\n")
            parts.append(f"\n\n``` {{.text .output}}\n{text}\n```")
        for picture in output.pictures:
            number += 1
            name = f"pictures/{stem}_{number}.png"
            files.append(File.generated(config, name, content=picture.png))
            look = f"{{.shown width={picture.width}}}"
            parts.append(f"\n\n![What the code shows]({top}{name}){look}")
    return "".join([*parts, rest[end:]])
