"""The link checker finds what leads nowhere, and nothing else."""

import pytest

from docs.check_links import broken_links


@pytest.fixture
def site(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "picture one.png").write_bytes(b"")
    (tmp_path / "index.html").write_text('<h1 id="top">One</h1>')
    (tmp_path / "deep" / "index.html").write_text('<a name="old place"></a>')
    return tmp_path


@pytest.mark.parametrize(
    "link",
    [
        "#here",
        "page.html",
        "index.html#top",
        "./deep/",
        "deep/index.html#old%20place",
        "picture%20one.png",
        "https://arxiv.org/abs/1606.05328",
        "data:image/png;base64,AAAA",
    ],
)
def test_leaves_good_links_alone(site, link):
    (site / "page.html").write_text(f'<p id="here"><a href="{link}">x</a>')
    assert broken_links(site) == []


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("#there", "the page has no such place"),
        ("index.html#bottom", "the page has no such place"),
        ("missing.html", "there is no such file"),
        ("deep/missing.png", "there is no such file"),
        ("/index.html", "there is no such file"),
        ("../outside.html", "there is no such file"),
        ("http://example.org", "no address by https"),
        ("https://nowhere", "no address by https"),
    ],
)
@pytest.mark.parametrize("tag", ['<a href="{}">', '<img src="{}">'])
def test_names_broken_links(site, link, reason, tag):
    (site.parent / "outside.html").write_text("")
    (site / "page.html").write_text(tag.format(link))
    assert broken_links(site) == [f"page.html: {link}: {reason}"]
