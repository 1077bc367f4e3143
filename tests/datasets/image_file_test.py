"""Tests that image files of every kind become 8 bits and 1 or 3 channels."""

import io
import os
import struct
import tracemalloc
import types
import warnings
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import EpsImagePlugin, Image

from keras_pixelcnn.datasets import image_file
from keras_pixelcnn.datasets.image_file import (
    SUFFIXES,
    open_image,
    read_image,
    read_mask,
    stored_bits,
)
from tests.datasets.tiff_file import tiff
from tests.png_file import chunk, png_file

GREY = np.arange(0, 240, 5, dtype=np.uint8).reshape(6, 8)
RGB = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)


def _saved(path, image, **options):
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".jfif", ".webp", ".jp2", ".avif"])
def test_lossy_files_come_back_nearly(tmp_path, suffix):
    smooth = np.broadcast_to(np.uint8([90, 140, 200]), (16, 24, 3))
    read = read_image(_saved(tmp_path / f"a{suffix}", smooth))
    assert read.shape == (16, 24, 3)
    np.testing.assert_allclose(read.astype(int), smooth, atol=6)


def test_every_suffix_is_one_that_pillow_reads():
    Image.init()
    extensions = Image.registered_extensions()
    assert {extensions[suffix] for suffix in SUFFIXES} <= set(Image.OPEN)


def test_16_bit_greys_of_the_other_byte_order_are_the_same(tmp_path):
    deep = (GREY.astype(np.uint16) * 256 + 7).astype(">u2").tobytes()
    image = Image.frombytes("I;16B", (8, 6), deep)
    read = read_image(_saved(tmp_path / "a.tif", image))
    np.testing.assert_array_equal(read[..., 0], GREY)


def test_a_transparent_grey_is_white(tmp_path):
    path = _saved(tmp_path / "a.png", np.uint8([[0, 9]]), transparency=0)
    assert read_image(path).tolist() == [[[255], [9]]]


def test_cmyk_becomes_rgb(tmp_path):
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    for name in ("a.tif", "a.jpg"):
        read = read_image(_saved(tmp_path / name, cyan)).astype(int)
        np.testing.assert_allclose(
            read, np.broadcast_to([0, 255, 255], read.shape), atol=3
        )


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_exif_orientation_is_followed(tmp_path, name):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees, clockwise
    options = {"lossless": True} if name == "a.webp" else {}
    read = read_image(_saved(tmp_path / name, RGB, exif=exif, **options))
    np.testing.assert_array_equal(read, np.rot90(RGB, -1))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("deep", [False, True], ids=["8 bits", "16 bits"])
def test_grey_tiff_files_are_turned(tmp_path, orientation, deep):
    """Once the rows of those that stand on their side were torn (Pillow 13)."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    values = GREY.astype(np.uint16) * 257 if deep else GREY
    turned = {
        **{1: GREY, 2: GREY[:, ::-1], 3: GREY[::-1, ::-1], 4: GREY[::-1], 5: GREY.T},
        **{6: np.rot90(GREY, -1), 7: GREY[::-1, ::-1].T, 8: np.rot90(GREY)},
    }
    read = read_image(_saved(tmp_path / "a.tif", values, exif=exif))
    np.testing.assert_array_equal(read[..., 0], turned[orientation])


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_transparent_grey_of_few_bits_is_white(tmp_path, bits):
    """Once another grey was transparent (Pillow 13), or none."""
    largest, count = 2**bits - 1, 8 // bits
    values = np.arange(count * count).reshape(count, count) % (largest + 1)
    shifts = bits * np.arange(count)[::-1]
    rows = (values << shifts).sum(axis=1).astype("u1")
    data = zlib.compress(b"".join(b"\0" + bytes([row]) for row in rows))
    for transparent in range(largest + 1):
        path = tmp_path / f"{transparent}.png"
        key = chunk(b"tRNS", struct.pack(">H", transparent))
        path.write_bytes(png_file(count, count, bits, 0, data, key))
        expected = np.where(values == transparent, 255, values * 255 // largest)
        np.testing.assert_array_equal(read_image(path)[..., 0], expected)


def test_deep_pixels_in_planes_are_refused(tmp_path):
    """Once Pillow took their bytes for those of others."""
    deep = np.arange(2 * 3 * 4, dtype="<u2").reshape(3, 2, 4) * 1000
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(4, 2, deep.tobytes(), 16, 2, 3, planes=True))
    with pytest.raises(ValueError, match="3 planes of 16 bits cannot be read exactly"):
        read_image(path)
    flat = np.arange(2 * 3 * 4, dtype="u1").reshape(3, 2, 4)
    path.write_bytes(tiff(4, 2, flat.tobytes(), 8, 2, 3, planes=True))
    np.testing.assert_array_equal(read_image(path), flat.transpose(1, 2, 0))


def test_of_an_animation_the_first_picture_is_taken(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    for name in ("a.gif", "a.png", "a.tif"):
        path = tmp_path / name
        frames[0].save(path, save_all=True, append_images=frames[1:])
        assert read_image(path)[0, 0].tolist() == [255, 0, 0]


def test_large_jpegs_may_be_decoded_smaller_but_not_too_small(tmp_path):
    blocks = np.kron(np.arange(12).reshape(3, 4), np.ones((200, 200))) * 20
    path = _saved(tmp_path / "a.jpg", blocks.astype(np.uint8), quality=95)
    small = read_image(path, least_side=64)
    assert small.shape == (75, 100, 1)
    means = small[12:75:25, 12:100:25, 0].astype(int)
    np.testing.assert_allclose(means, np.arange(12).reshape(3, 4) * 20, atol=3)
    assert read_image(path).shape == (600, 800, 1)


def test_the_file_is_closed_and_the_array_may_be_written(tmp_path):
    path = _saved(tmp_path / "a.png", RGB)
    read_image(path)[0] = 0
    path.unlink()


# What Pillow decodes to fewer bits, or would take for another depth.

DEEP = np.arange(48, dtype=np.uint16).reshape(4, 4, 3) * 1300


def _encode_png(path, values):
    path.write_bytes(tf.io.encode_png(values).numpy())
    return path


def _deep_colours(folder):
    """Files of 48 bits a pixel, of 30 and 36, by how many bits they store."""
    raw = DEEP.astype(">u2").tobytes()
    ppm = folder / "16.ppm"
    ppm.write_bytes(b"P6\n4 4\n65535\n" + raw)
    low = folder / "10.ppm"
    low.write_bytes(b"P6\n4 4\n1023\n" + (DEEP % 1024).astype(">u2").tobytes())
    tiff = folder / "16.tif"
    Image.fromarray((DEEP >> 8).astype("u1")).save(tiff)
    content = bytearray(tiff.read_bytes())
    # Pillow writes no 48 bits: the depths of an 8-bit file become 16.
    depths = content.find(struct.pack("<3H", 8, 8, 8))
    content[depths : depths + 6] = struct.pack("<3H", 16, 16, 16)
    tiff.write_bytes(content + bytes(200))
    return {
        _encode_png(folder / "rgb.png", DEEP): 16,
        _encode_png(folder / "rgba.png", np.pad(DEEP, [(0, 0), (0, 0), (0, 1)])): 16,
        ppm: 16,
        low: 10,
        tiff: 16,
    }


def test_the_depth_is_that_of_the_file(tmp_path):
    expected = _deep_colours(tmp_path) | {
        _saved(tmp_path / "a.png", RGB): 8,
        _saved(tmp_path / "b.png", DEEP[..., 0]): 16,
        _saved(tmp_path / "a.tif", RGB): 8,
        _saved(tmp_path / "b.tif", DEEP[..., 0]): 16,
        _saved(tmp_path / "c.tif", DEEP[..., 0].astype("i4")): 32,
        _saved(tmp_path / "a.jp2", RGB): 8,
        _saved(tmp_path / "b.jp2", DEEP[..., 0]): 16,
        _saved(tmp_path / "a.avif", RGB): 8,
        _saved(tmp_path / "a.jpg", RGB): 8,
        _saved(tmp_path / "a.webp", RGB): 8,
        _saved(tmp_path / "a.ppm", RGB): 8,
        _saved(tmp_path / "a.pgm", DEEP[..., 0]): 16,
    }
    for path, bits in expected.items():
        with open_image(path) as image:
            assert stored_bits(image) == bits, path.name


def test_a_pillow_without_avif_opens_the_others(tmp_path, monkeypatch):
    path = _saved(tmp_path / "a.png", RGB)
    Image.init()
    monkeypatch.delitem(Image.OPEN, "AVIF")
    with open_image(path) as image:
        assert image.format == "PNG"


@pytest.mark.parametrize(
    ("bits", "photometric", "sample_format", "values", "told"),
    [
        (12, 1, 1, bytes([0xFF, 0xF8, 0x00]), "12-bit pixels"),
        (16, 1, 2, struct.pack("<2h", -5, 30_000), "signed pixels"),
        (8, 1, 2, struct.pack("<2b", -5, 100), "signed pixels"),
        (16, 0, 1, struct.pack("<2H", 0, 65_535), "of which 0 is white"),
    ],
)
def test_what_pillow_takes_for_something_else_is_refused(
    tmp_path, bits, photometric, sample_format, values, told
):
    """Once they were read as black, unsigned, or upside down."""
    file = tiff(2, 1, values, bits, photometric, sample_format=sample_format)
    (tmp_path / "a.tif").write_bytes(file)
    for read in (read_image, read_mask):
        with pytest.raises(ValueError, match=f"{told} cannot be read exactly"):
            read(tmp_path / "a.tif")


def test_zero_is_white_in_8_bits(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff(2, 1, bytes([0, 250]), 8, photometric=0))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[0, :, 0], [255, 5])


def test_a_high_depth_of_jpeg_2000_and_avif_is_seen(tmp_path):
    """Encoders here write 8 bits: the header's own fields are set to more."""
    jp2 = _saved(tmp_path / "a.jp2", RGB)
    content = bytearray(jp2.read_bytes())
    content[content.find(b"\xff\x4f\xff\x51") + 45] = 11
    jp2.write_bytes(content)
    with open_image(jp2) as image:
        assert stored_bits(image) == 12
    content = bytearray(_saved(tmp_path / "a.avif", RGB).read_bytes())
    for flag, bits in [(0, 8), (0x40, 10), (0x60, 12)]:
        content[content.find(b"av1C") + 6] = flag
        # Pillow does not open what contradicts itself.
        image = types.SimpleNamespace(format="AVIF", tile=[], fp=io.BytesIO(content))
        assert stored_bits(image) == bits


def test_32_bit_integers_are_not_taken_for_16(tmp_path):
    """Once a picture of 0 to 255 in 32 bits was black."""
    path = _saved(tmp_path / "a.tif", GREY.astype(np.int32))
    with pytest.raises(ValueError, match="32-bit pixels have no fixed range"):
        read_image(path)


def test_a_transparent_16_bit_grey_is_white(tmp_path):
    """Once it was forgotten on the way to 8 bits."""
    deep = np.uint16([[0x1234, 0x1299]])
    path = _saved(tmp_path / "a.png", deep, transparency=0x1234)
    assert read_image(path).tolist() == [[[255], [0x12]]]
    assert read_image(path, bits=16).tolist() == [[[65535], [0x1299]]]


def test_a_deep_grey_with_alpha_is_grey(tmp_path):
    """Once it was a picture of colours, as Pillow decodes it."""
    deep = np.uint16([[[0x1234, 0xFFFF], [0x1234, 0]]])
    read = read_image(_encode_png(tmp_path / "a.png", deep))
    assert read.tolist() == [[[0x12], [255]]]


def test_16_bits_are_read_where_they_are_wanted(tmp_path):
    deep = _saved(tmp_path / "a.png", DEEP[..., 0])
    read = read_image(deep, bits=16)
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read[..., 0], DEEP[..., 0])
    grey = _saved(tmp_path / "b.png", GREY)
    np.testing.assert_array_equal(
        read_image(grey, bits=16)[..., 0], GREY.astype("u2") * 257
    )
    colours = _encode_png(tmp_path / "c.png", DEEP)
    with pytest.raises(ValueError, match="more than 8 bits cannot be read exactly"):
        read_image(colours, bits=16)
    np.testing.assert_array_equal(read_image(colours), DEEP >> 8)


# Files that are no images, or too large.


def test_a_pipe_is_not_read(tmp_path):
    """Once reading it waited for good."""
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(ValueError, match="no regular file"):
        read_image(tmp_path / "x.png")


def test_a_program_of_postscript_is_not_run(tmp_path, monkeypatch):
    """Pillow would hand it to Ghostscript, whatever it is called."""
    path = tmp_path / "x.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n%%EOF\n")
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: pytest.fail("run"))
    with pytest.raises(OSError, match="cannot identify image file"):
        read_image(path)


def test_more_pixels_than_pillow_finds_safe_are_refused(tmp_path, monkeypatch):
    path = _saved(tmp_path / "a.png", RGB)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 47)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(ValueError, match="at most 47 pixels, and it has 8 x 6"):
            read_image(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert read_image(path).shape == (6, 8, 3)


def test_a_jpeg_of_many_scans_is_refused(tmp_path):
    """A few bytes each, and a picture's time each: 60 KB took seven seconds."""
    path = _saved(tmp_path / "x.jpg", RGB, progressive=True)
    content = path.read_bytes()
    scan = content[content.rindex(b"\xff\xda") : -2]
    path.write_bytes(content[:-2] + scan * 20 + content[-2:])
    assert read_image(path).shape == RGB.shape
    path.write_bytes(content[:-2] + scan * 200 + content[-2:])
    with pytest.raises(ValueError, match=r"at most 100 scans. Received: 2\d\d"):
        read_image(path)


LARGE = {
    "alpha": Image.new("RGBA", (3000, 3000)),
    "grey with alpha": Image.new("LA", (3000, 3000)),
    "16 bits": Image.new("I;16", (3000, 3000)),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_picture_takes_little_more_than_its_pixels(tmp_path, name):
    """Once 38 bytes a pixel: 3 GB for a file of 11 KB."""
    path = _saved(tmp_path / "x.png", LARGE[name], compress_level=1)
    tracemalloc.start()
    try:
        read_image(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 15 * 3000 * 3000


def test_pieces_are_those_of_the_whole(tmp_path, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 6
    alpha = Image.fromarray(np.dstack([RGB, GREY]))
    pictures = [
        alpha,
        Image.fromarray(RGB).quantize(7),
        Image.fromarray(np.dstack([GREY, GREY[::-1]]), "LA"),
        Image.fromarray(GREY.astype("u2") * 250),
    ]
    for picture in pictures:
        path = _saved(tmp_path / "x.png", picture, exif=exif)
        whole = read_image(path)
        with monkeypatch.context() as patch:
            patch.setattr(image_file, "_PIXELS_AT_ONCE", 13)
            np.testing.assert_array_equal(read_image(path), whole)


# Masks.

KNOWN = np.random.default_rng(0).random((6, 8)) < 0.5


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (KNOWN.astype("u1"), "values 0, 1 up to 1, where white is 255"),
        (np.full((6, 8), 1, "u1"), "values 1 up to 1, where white is 255"),
        (np.where(KNOWN, 255, 128).astype("u1"), "values 128, 255 up to 255"),
        (np.where(KNOWN, 255, 0).astype("u2"), "values 0, 255 up to 255, where white"),
        (np.where(KNOWN, 255, 0).astype("i4"), "32-bit pixels have no fixed range"),
        (GREY, "values 0, 5, 10, 15, 20, ... up to 235"),
    ],
)
def test_masks_that_are_not_black_and_white_are_refused(tmp_path, values, sentence):
    """Once all were cut at 128, and a mask of 0 and 1 kept nothing without a word."""
    path = _saved(tmp_path / "mask.tif", values)
    with pytest.raises(ValueError, match=sentence):
        read_mask(path)


def test_a_deep_colour_mask_is_refused(tmp_path):
    path = _encode_png(tmp_path / "a.png", np.full((2, 2, 3), 255, "u2"))
    with pytest.raises(ValueError, match="more than 8 bits cannot be read exactly"):
        read_mask(path)


@pytest.mark.parametrize(("value", "word"), [(0, "no pixel"), (255, "all pixels")])
def test_a_mask_that_keeps_all_or_nothing_is_told(tmp_path, caplog, value, word):
    path = _saved(tmp_path / "mask.png", np.full((2, 3), value, "u1"))
    assert (read_mask(path) == bool(value)).all()
    assert word in caplog.text
