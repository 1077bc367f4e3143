"""Checks that every link of a built site leads to something that is there."""

import html.parser
import pathlib
import urllib.parse


class _Page(html.parser.HTMLParser):
    """The links and the places of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.places.add(value)


def broken_links(site: pathlib.Path) -> list[str]:
    """Links of a site's pages to files and places in it that are not there.

    Links to other sites are not followed, but must be whole addresses by https.

    Args:
        site: folder of the built site.

    Returns:
        A sentence for each.
    """
    site = site.resolve()
    pages = {
        path: _Page(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
        if path.name != "404.html"  # its links begin at a server's root
    }
    return [
        f"{path.relative_to(site)}: {link}: {reason}"
        for path, page in pages.items()
        for link in page.links
        if (reason := _what_is_wrong(link, path, site, pages))
    ]


def _what_is_wrong(
    link: str, path: pathlib.Path, site: pathlib.Path, pages: dict[pathlib.Path, _Page]
) -> str:
    parts = urllib.parse.urlsplit(link)
    if parts.scheme or parts.netloc:
        is_whole = parts.scheme == "https" and "." in parts.netloc
        return "" if is_whole or parts.scheme == "data" else "no address by https"
    target = path
    if parts.path:
        target = (path.parent / urllib.parse.unquote(parts.path)).resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(site) or not target.is_file():
        return "there is no such file"
    place = urllib.parse.unquote(parts.fragment)
    is_there = not place or target not in pages or place in pages[target].places
    return "" if is_there else "the page has no such place"
