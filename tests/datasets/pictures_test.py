"""Pictures and masks of any kind in files: the values of a few lines of NumPy, or told.

What a file holds is drawn at random; what it should become is computed from that, not
from the file.
"""

import io
import pathlib
import tempfile
import zlib

import numpy as np
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from keras_pixelcnn.datasets.image_file import read_image, read_mask
from keras_pixelcnn.datasets.image_format import ImageFormat
from tests.models.doors.strategies import answered, fast
from tests.png_file import png_file

CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
PNG_COLOURS = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}


def png_of_16_bits(values, mode):
    """Pillow writes none of them, but for greys."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png_file(height, width, 16, PNG_COLOURS[mode], zlib.compress(rows))


def netpbm(values, mode, largest):
    """A PGM or PPM file whose values go up to `largest`."""
    height, width = values.shape[:2]
    kind = {"L": "P5", "RGB": "P6"}[mode]
    body = values.astype(">u2" if largest > 255 else "u1").tobytes()
    return f"{kind} {width} {height} {largest}\n".encode() + body


def written(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def grey_of(colours):
    red, green, blue = np.moveaxis(colours.astype("int64"), -1, 0)
    return (19595 * red + 38470 * green + 7471 * blue + 32768) // 65536


class Picture:
    """The bytes of a file, and what they say.

    Args:
        name: file name.
        data: its bytes.
        values: (height, width, 1 or 3).
        alpha: (height, width), full where opaque.
        bits: of what Pillow decodes, 8 or 16.
        stored: of the file.
    """

    def __init__(self, name, data, values, alpha=None, bits=8, stored=8):
        self.name, self.data = name, data
        self.values = np.asarray(values).astype("int64").reshape(*values.shape[:2], -1)
        self.largest, self.bits, self.stored = 2**bits - 1, bits, stored
        self.alpha = alpha

    def __repr__(self):
        return f"Picture({self.name}, {self.stored} bits, {self.values.tolist()})"

    def image(self, color_mode):
        """What the picture is as 8 bits."""
        values, channels = self.values, self.values.shape[-1]
        if color_mode == "grayscale" and channels == 3:
            values = grey_of(values)[..., None]
        if self.alpha is not None:
            share = self.alpha[..., None] / self.largest
            values = np.rint(values * share + self.largest * (1 - share)).astype(int)
        if color_mode == "rgb":
            values = np.broadcast_to(values, (*values.shape[:2], 3))
        return values >> 8 if self.bits == 16 else values

    def mask(self):
        """Where the mask is white; None where that is refused."""
        grey = self.values if self.values.shape[-1] == 1 else grey_of(self.values)
        grey = grey.reshape(self.values.shape[:2])
        if self.alpha is not None:
            grey = grey * self.alpha // self.largest
        shares = grey / self.largest
        black, white = shares <= 0.25, shares >= 0.75
        both = black.any() and white.any()
        at_one_end = (grey == 0).all() or (grey == self.largest).all()
        if self.stored > self.bits or not (black | white).all():
            return None
        return white if both or at_one_end else None


def values_in(draw, shape, largest):
    """Any values, or a few that masks are made of."""
    few = [0, largest, largest // 4, largest - largest // 4, 1, largest // 2]
    size = int(np.prod(shape))
    pool = draw(
        st.sampled_from([[0, largest], [0, largest], few, None, [0], [largest], [1]])
    )
    one = st.integers(0, largest) if pool is None else st.sampled_from(pool)
    return np.array(draw(st.lists(one, min_size=size, max_size=size))).reshape(shape)


@st.composite
def pictures(draw):
    height, width = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    kind = draw(st.sampled_from(sorted(KINDS)))
    return KINDS[kind](draw, (height, width))


def plain(mode, formats):
    def make(draw, size):
        channels = CHANNELS[mode]
        values = values_in(draw, (*size, channels), 255)
        kind = draw(st.sampled_from(formats))
        squeezed = values[..., 0] if channels == 1 else values
        data = written(Image.fromarray(squeezed.astype("u1"), mode), kind)
        if mode in ("LA", "RGBA"):
            return Picture(f"a.{kind}", data, values[..., :-1], values[..., -1])
        return Picture(f"a.{kind}", data, values)

    return make


def one_bit(draw, size):
    values = values_in(draw, size, 1)
    data = written(
        Image.fromarray(values.astype(bool)), draw(st.sampled_from(["png", "tiff"]))
    )
    return Picture("a.png", data, values * 255)


def grey_16(draw, size):
    values = values_in(draw, size, 65535)
    image = Image.fromarray(values.astype("u2"))
    key = draw(st.one_of(st.none(), st.sampled_from(sorted(set(values.ravel())))))
    if key is not None:
        data = written(image, "png", transparency=int(key))
        return Picture("a.png", data, values, (values != key) * 65535, 16, 16)
    data = written(image, draw(st.sampled_from(["png", "tiff"])))
    return Picture("a.png", data, values, None, 16, 16)


def png_16(draw, size):
    mode = draw(st.sampled_from(sorted(PNG_COLOURS)))
    values = values_in(draw, (*size, CHANNELS[mode]), 65535)
    data = png_of_16_bits(values, mode)
    if mode == "L":
        return Picture("a.png", data, values, None, 16, 16)
    high = values >> 8  # which is what Pillow decodes
    if mode == "RGB":
        return Picture("a.png", data, high, None, 8, 16)
    return Picture("a.png", data, high[..., :-1], high[..., -1], 8, 16)


def netpbm_of_any_depth(draw, size):
    mode = draw(st.sampled_from(["L", "RGB"]))
    largest = draw(st.sampled_from([1, 7, 100, 255, 256, 1023, 65535]))
    values = values_in(draw, (*size, CHANNELS[mode]), largest)
    bits = 16 if mode == "L" and largest > 255 else 8
    full = 2**bits - 1
    stretched = np.floor(values / largest * full + 0.5).astype(int)
    stored = max(8, largest.bit_length())
    if stored > 8 and bits == 16:
        stored = 16
    data = netpbm(values, mode, largest)
    return Picture("a.ppm", data, stretched, None, bits, stored)


def palette(draw, size):
    colours = values_in(draw, (4, 3), 255)
    indices = np.array(
        draw(
            st.lists(
                st.integers(0, 3),
                min_size=size[0] * size[1],
                max_size=size[0] * size[1],
            )
        )
    ).reshape(size)
    image = Image.fromarray(indices.astype("u1")).convert("P")
    image.putpalette(colours.astype("u1").ravel().tolist())
    kind = draw(st.sampled_from(["png", "gif", "bmp", "transparent png"]))
    if kind == "transparent png":
        data = written(image, "png", transparency=2)
        return Picture("a.png", data, colours[indices], (indices != 2) * 255)
    return Picture(f"a.{kind}", written(image, kind), colours[indices])


def transparent_colour(draw, size):
    values = values_in(draw, (*size, 3), 255)
    key = values[0, 0]
    image = Image.fromarray(values.astype("u1"))
    data = written(image, "png", transparency=tuple(int(v) for v in key))
    return Picture("a.png", data, values, (values != key).any(-1) * 255)


def without_range(draw, size):
    values = values_in(draw, size, 255)
    image = Image.fromarray(values.astype(draw(st.sampled_from(["int32", "float32"]))))
    picture = Picture("a.tif", written(image, "tiff"), values)
    picture.image = picture.mask = lambda *_: None
    return picture


KINDS = {
    "grey": plain("L", ["png", "bmp", "tiff", "tga"]),
    "colours": plain("RGB", ["png", "bmp", "tiff", "tga", "ppm"]),
    "grey, alpha": plain("LA", ["png", "tiff", "tga"]),
    "colours, alpha": plain("RGBA", ["png", "tiff", "tga"]),
    "one bit": one_bit,
    "grey of 16 bits": grey_16,
    "png of 16 bits": png_16,
    "netpbm": netpbm_of_any_depth,
    "palette": palette,
    "transparent colour": transparent_colour,
    "without a range": without_range,
}


@fast
@given(
    picture=pictures(),
    color_mode=st.sampled_from([None, "grayscale", "rgb"]),
    num_levels=st.sampled_from([None, 2, 17, 256]),
)
def test_pictures(picture, color_mode, num_levels):
    expected = picture.image(color_mode)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / picture.name
        path.write_bytes(picture.data)
        answer = answered(read_image, path, color_mode, told="have no fixed range")
    if expected is None:
        assert answer is None
        return
    np.testing.assert_array_equal(answer, expected)
    assert answer.dtype == np.uint8
    merged = ImageFormat(num_levels=num_levels).convert(tf.constant(answer), 256)
    np.testing.assert_array_equal(merged, expected * (num_levels or 256) // 256)


@fast
@given(picture=pictures())
def test_masks(picture):
    expected = picture.mask()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / picture.name
        path.write_bytes(picture.data)
        told = "A mask must|have no fixed range|cannot be read exactly"
        answer = answered(read_mask, path, told=told)
    if expected is None:
        assert answer is None
    else:
        np.testing.assert_array_equal(answer, expected)
