"""Tests of PNG files in the graph: levels there and back, and files that do not fit."""

import io
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_pixelcnn import GatedPixelCNN
from keras_pixelcnn.datasets.image_file import read_image, read_mask
from keras_pixelcnn.export.sampling_signatures import known_share
from keras_pixelcnn.pixel_values import to_levels, to_pixels
from tests import served
from tests.png_file import chunk, png_file
from tests.test_case import randomize

HEIGHT, WIDTH = 4, 2


@pytest.fixture(scope="module")
def model():
    return randomize(GatedPixelCNN((HEIGHT, WIDTH, 1), 17, filters=2, num_blocks=1))


@pytest.fixture(scope="module")
def complete_png(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "1"
    model.export(path, verbose=False, signatures=["complete_png"])
    loaded = tf.saved_model.load(path)

    def call(image, mask=None, seed=1, rows=1):
        if mask is None:
            mask = _picture(np.full((HEIGHT, WIDTH), 255, np.uint8))
        outputs = loaded.signatures["complete_png"](
            image_bytes=tf.constant([image] * rows),
            mask_bytes=tf.constant([mask] * rows),
            seed=tf.constant([seed] * rows, tf.int64),
            temperature=tf.constant([1.0] * rows),
        )
        call.known_share = outputs["known_share"].numpy().tolist()
        return served.decode(model, outputs["image_bytes"].numpy())[0]

    return call


def _picture(pixels, mode=None):
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("num_levels", [2, 3, 17, 200, 256, 257, 1000, 65536])
def test_levels_come_back_from_pixels(num_levels):
    levels, bits = np.arange(num_levels), 8 if num_levels <= 256 else 16
    pixels = to_pixels(levels, num_levels, bits=bits)
    assert pixels.dtype == f"uint{bits}"
    assert (to_levels(pixels, num_levels, bits=bits) == levels).all()


def _levels(seed=0):
    return np.random.default_rng(seed).integers(17, size=(HEIGHT, WIDTH, 1))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P"])
def test_pictures_of_every_mode_are_read(complete_png, mode):
    levels = _levels()
    image = _picture(to_pixels(levels[..., 0], 17), mode)
    np.testing.assert_array_equal(complete_png(image), levels)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_few_bits_are_opaque(complete_png, bits):
    """TensorFlow takes those of fewer than 8 for nearly transparent."""
    indices = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 2**bits
    image = Image.fromarray(indices.astype("u1")).convert("P")
    image.putpalette([v for i in range(8) for v in [int(to_pixels(i, 17))] * 3])
    file = io.BytesIO()
    image.save(file, "PNG", bits=bits)
    np.testing.assert_array_equal(complete_png(file.getvalue())[..., 0], indices)


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "RGBA"])
def test_masks_are_white_where_the_image_is_known(model, complete_png, mode):
    levels, mask = _levels(), np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[:2] = 255
    drawn = complete_png(_picture(to_pixels(levels[..., 0], 17)), _picture(mask, mode))
    expected = model.complete(levels[None], mask > 0, [1]).numpy()[0]
    np.testing.assert_array_equal(drawn, expected)


def test_masks_that_keep_all_or_nothing_are_told(complete_png):
    """Once only the program that samples told of them."""
    image, mask = _file(), np.zeros((HEIGHT, WIDTH), np.uint8)
    complete_png(image, _picture(mask))
    assert complete_png.known_share == [0.0]
    complete_png(image, _picture(~mask), rows=2)
    assert complete_png.known_share == [1.0, 1.0]
    mask[1:] = 255
    complete_png(image, _picture(mask))
    assert complete_png.known_share == [0.75]


def test_a_mask_that_keeps_all_has_a_share_of_exactly_one():
    """49 times the nearest float32 to 1/49 is less."""
    mask = np.ones((2, 7, 7), bool)
    mask[1, 0, 0] = False
    share = tf.function(known_share)(tf.constant(mask)).numpy()
    assert share.tolist() == [1.0, np.float32(48 / 49)]


def test_masks_may_be_near_black_and_white(model, complete_png):
    mask = np.array([[63, 192], [200, 63], [0, 255], [1, 254]], np.uint8)
    levels = _levels()
    drawn = complete_png(_picture(to_pixels(levels[..., 0], 17)), _picture(mask))
    expected = model.complete(levels[None], mask >= 128, [1]).numpy()[0]
    np.testing.assert_array_equal(drawn, expected)


WHITE = np.full((HEIGHT, WIDTH), 255, np.uint8)
UPPER = np.repeat(np.arange(HEIGHT) < 2, WIDTH).reshape(HEIGHT, WIDTH)


@pytest.mark.parametrize("name", ["white", "16 bits", "palette", "transparent grey"])
def test_what_is_transparent_in_a_mask_is_unknown(model, complete_png, name, tmp_path):
    """As in programs: `image_file.read_mask` reads the same file."""
    grey, options = np.where(UPPER, 255, 0).astype("u1"), {}
    if name == "white":
        image = Image.fromarray(np.dstack([WHITE, grey]), "LA")
    elif name == "16 bits":
        image = Image.fromarray(np.where(UPPER, 65535, 0).astype("u2"))
    elif name == "palette":
        image = Image.fromarray(UPPER.astype("u1")).convert("P")
        image.putpalette([255, 255, 255, 255, 255, 255])
        options = {"transparency": 0}
    else:
        image = Image.fromarray(np.where(UPPER, 255, 250).astype("u1"))
        options = {"transparency": 250}
    image.save(tmp_path / "mask.png", **options)
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), UPPER)
    levels = _levels()
    drawn = complete_png(
        _picture(to_pixels(levels[..., 0], 17)), (tmp_path / "mask.png").read_bytes()
    )
    expected = model.complete(levels[None], UPPER, [1]).numpy()[0]
    np.testing.assert_array_equal(drawn, expected)


@pytest.mark.parametrize(
    ("mask", "found"),
    [
        (np.where(UPPER, 1, 0).astype("u1"), r"\[\[0 0\.0039\d+ "),
        (np.full((HEIGHT, WIDTH), 1, "u1"), r"\[\[0\.0039\d+ 0\.0039\d+ "),
        (np.where(UPPER, 255, 0).astype("u2"), r"\[\[0 0\.0038\d+ "),
        (np.where(UPPER, 255, 100).astype("u1"), r"\[\[0\.39\d+ 1 0\.39\d+\]"),
    ],
)
def test_masks_that_are_not_black_and_white_are_refused(complete_png, mask, found):
    """Once all were cut at 128, and a mask of 0 and 1 kept nothing without a word."""
    with pytest.raises(tf.errors.InvalidArgumentError, match=found) as caught:
        complete_png(_file(), _picture(mask))
    assert "mask_bytes must be black and white" in str(caught.value)


def test_what_is_transparent_in_an_image_is_laid_over_white(complete_png, tmp_path):
    """As in programs: `image_file.read_image` reads the same file."""
    generator = np.random.default_rng(3)
    pixels = generator.integers(256, size=(HEIGHT, WIDTH, 4)).astype("u1")
    pixels[0, 0, 3], pixels[1, 1, 3] = 0, 255
    (tmp_path / "image.png").write_bytes(_picture(pixels))
    expected = to_levels(read_image(tmp_path / "image.png", "grayscale"), 17)
    assert expected[0, 0] == 16
    np.testing.assert_array_equal(complete_png(_picture(pixels)), expected)


# Files that do not fit.


def _file(width=WIDTH, height=HEIGHT, data=None, depth=8, color=0, extra=b""):
    if data is None:
        data = zlib.compress((b"\0" + b"\0" * width) * height)
    return png_file(height, width, depth, color, data, extra)


def _flip(file, index):
    return file[:index] + bytes([file[index] ^ 0xFF]) + file[index + 1 :]


BOMB = zlib.compress(b"\0" * 10**6)
BAD_FILES = {
    "nothing": (b"", "must hold PNG files, which have at least 28 bytes"),
    "text": (b"hello", "must hold PNG files, which have at least 28 bytes"),
    "a_jpeg": (b"\xff\xd8\xff\xe0" + b"\0" * 60, "of so many bytes begins otherwise"),
    "a_bitmap": (b"BM" + b"\0" * 60, "of so many bytes begins otherwise"),
    "cut_in_the_header": (_file()[:20], "have at least 28 bytes"),
    "cut_in_the_data": (_file()[:50], "of so many bytes ends too early"),
    "last_byte_missing": (_file()[:-1], "of so many bytes ends too early"),
    "wider": (_file(width=3), "must hold pictures of 2 x 4 pixels"),
    "turned": (_file(width=HEIGHT, height=WIDTH), "must hold pictures of 2 x 4"),
    "no_pixels": (_file(width=0, height=0), "must hold pictures of 2 x 4"),
    "bomb": (_file(60_000, 60_000, BOMB), "must hold pictures of 2 x 4"),
    "negative": (_file(2**31, 2**31, b""), "must hold pictures of 2 x 4"),
    "damaged_data": (_flip(_file(), 45), "Invalid PNG data"),
    "damaged_header": (_flip(_file(), 30), "Invalid PNG"),
    "too_few_pixels": (_file(data=zlib.compress(b"\0")), "Invalid PNG data"),
    "no_such_depth": (_file(depth=7), "Invalid PNG"),
    "colors_without_palette": (_file(color=3), "Invalid PNG"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_does_not_fit(complete_png, name):
    file, sentence = BAD_FILES[name]
    good = _file()
    assert complete_png(good).shape == (HEIGHT, WIDTH, 1)
    for arguments, which in [((file, good), "image"), ((good, file), "mask")]:
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            complete_png(*arguments)
        assert f"{which}_bytes" in str(caught.value)
        assert sentence in str(caught.value)


def test_many_padded_files_are_refused(complete_png):
    """Each had few bytes, and all of them inflated for half a minute."""
    most = HEIGHT * WIDTH * 16 + 2**16
    padded = _file(extra=chunk(b"teXt", bytes(most - len(_file()) - 12)))
    assert complete_png(padded, rows=2).shape[0] == HEIGHT
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        complete_png(padded, rows=3)
    told = "at most 131072 bytes together beside their pixels"
    assert told in str(caught.value) and "[196608]" in str(caught.value)


def test_a_padded_file_is_refused(complete_png):
    """Once 4 MB inflated to 3 GB, and kept a server busy for half a minute."""
    most = HEIGHT * WIDTH * 16 + 2**16
    padded = _file(data=zlib.compress(b"\0" * 10**8))
    assert len(padded) > most
    extra = chunk(b"teXt", bytes(most - len(_file()) - 12))
    assert len(_file(extra=extra)) == most
    assert complete_png(_file(extra=extra)).shape[0] == HEIGHT
    longer = _file(extra=chunk(b"teXt", bytes(most - len(_file()) - 11)))
    for file in (padded, longer):
        for arguments, which in [((file, _file()), "image"), ((_file(), file), "mask")]:
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                complete_png(*arguments)
            assert f"{which}_bytes must hold PNG files of at most {most}" in str(
                caught.value
            )
