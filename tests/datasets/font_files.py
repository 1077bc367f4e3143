"""Font files for tests, made of the one that Pillow carries."""

import struct

from PIL import ImageFont

_NAME = "Aileron"
_SEGMENT = (126, -29)
"""The last character of ASCII in the character map, and what leads to glyphs."""


def write_font(path, family=_NAME, shift=0, last=126):
    """Writes Pillow's font under another name, of as many letters.

    `shift` in [-15, 4] draws each letter as another one, `last` is the last character
    that the font has.
    """
    assert len(family) == len(_NAME)
    data = ImageFont.load_default(10).path.getvalue()
    for encoding in ("latin-1", "utf-16-be"):
        data = data.replace(_NAME.encode(encoding), family.encode(encoding))
    end, delta = _SEGMENT
    start = data.index(struct.pack(">H", end) + struct.pack(">H", 169))
    data = data[:start] + struct.pack(">H", last) + data[start + 2 :]
    start = data.index(struct.pack(">hh", delta, -71))
    data = data[:start] + struct.pack(">h", delta + shift) + data[start + 2 :]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
