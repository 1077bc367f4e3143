"""HTML and SVG as elements, so that no text can be taken for markup."""

import re
from typing import Any
from xml.etree import ElementTree

Element = ElementTree.Element
Content = Element | str | None
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")


def tag(name: str, /, *children: Content, **attributes: Any) -> Element:
    """Makes an element.

    Args:
        name: the element's, such as "p".
        children: what stands in it, in turn; text is escaped when written, None is left
            out.
        attributes: of the element. Underscores stand for hyphens, one at the end is
            dropped ("class_"), and None leaves the attribute out.
    """
    element = Element(name)
    for key, value in attributes.items():
        if value is not None:
            element.set(key.rstrip("_").replace("_", "-"), _plain(str(value)))
    for child in children:
        if isinstance(child, str):
            _append_text(element, _plain(child))
        elif child is not None:
            element.append(child)
    return element


def _append_text(element: Element, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def _plain(text: str) -> str:
    """Replaces what HTML cannot hold: control characters and halves of pairs."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", whole)


def document(head: list[Element], body: list[Element]) -> str:
    """A whole HTML document in English."""
    root = tag("html", tag("head", *head), tag("body", *body), lang="en")
    text = ElementTree.tostring(root, encoding="unicode", method="html")
    return f"<!DOCTYPE html>\n{text}\n"
