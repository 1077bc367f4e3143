"""Tests that image files of every kind become 8 bits and 1 or 3 channels."""

import numpy as np
import pytest
from PIL import Image

from keras_pixelcnn.datasets.image_file import SUFFIXES, read_image

GREY = np.arange(0, 240, 5, dtype=np.uint8).reshape(6, 8)
RGB = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)


def _saved(path, image, **options):
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tga", ".ppm", ".dib"])
@pytest.mark.parametrize("values", [GREY, RGB], ids=["grey", "rgb"])
def test_lossless_files_come_back_as_they_were(tmp_path, suffix, values):
    read = read_image(_saved(tmp_path / f"a{suffix}", values))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read.squeeze(), values)
    assert read.ndim == 3


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


def test_colour_mode_wins_over_what_is_stored(tmp_path):
    grey = _saved(tmp_path / "grey.png", GREY)
    rgb = _saved(tmp_path / "rgb.png", RGB)
    assert read_image(grey).shape == (6, 8, 1)
    np.testing.assert_array_equal(read_image(grey, "rgb"), np.stack([GREY] * 3, -1))
    assert read_image(rgb).shape == (6, 8, 3)
    luma = np.asarray(Image.fromarray(RGB).convert("L"))
    np.testing.assert_array_equal(read_image(rgb, "grayscale")[..., 0], luma)


def test_one_bit_becomes_black_and_white(tmp_path):
    bits = Image.fromarray(GREY > 100)
    assert bits.mode == "1"
    read = read_image(_saved(tmp_path / "a.png", bits))
    np.testing.assert_array_equal(read[..., 0], np.where(GREY > 100, 255, 0))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_16_bit_greys_lose_their_lower_bits(tmp_path, name):
    deep = GREY.astype(np.uint16) * 256 + 255
    read = read_image(_saved(tmp_path / name, deep))
    np.testing.assert_array_equal(read[..., 0], GREY)


def test_16_bit_greys_of_the_other_byte_order_are_the_same(tmp_path):
    deep = (GREY.astype(np.uint16) * 256 + 7).astype(">u2").tobytes()
    image = Image.frombytes("I;16B", (8, 6), deep)
    read = read_image(_saved(tmp_path / "a.tif", image))
    np.testing.assert_array_equal(read[..., 0], GREY)


@pytest.mark.parametrize("values", [np.float32([[0.5]]), np.int32([[70000]])])
def test_pixels_without_a_known_range_are_refused(tmp_path, values):
    path = _saved(tmp_path / "a.tif", values)
    with pytest.raises(ValueError, match=r"range|16 bits"):
        read_image(path)


@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.bmp"])
def test_palettes_become_rgb(tmp_path, name):
    palette = Image.fromarray(RGB).quantize(16)
    read = read_image(_saved(tmp_path / name, palette))
    np.testing.assert_array_equal(read, palette.convert("RGB"))


@pytest.mark.parametrize(
    ("mode", "pixel", "expected"),
    [
        ("RGBA", (200, 100, 0, 0), (255, 255, 255)),
        ("RGBA", (200, 100, 0, 255), (200, 100, 0)),
        ("RGBA", (200, 100, 0, 51), (244, 224, 204)),
        ("LA", (100, 0), (255,)),
        ("LA", (100, 255), (100,)),
    ],
)
def test_transparency_is_laid_over_white(tmp_path, mode, pixel, expected):
    read = read_image(_saved(tmp_path / "a.png", Image.new(mode, (3, 2), pixel)))
    np.testing.assert_array_equal(
        read, np.broadcast_to(expected, (2, 3, len(expected)))
    )


def test_a_transparent_palette_entry_is_white(tmp_path):
    image = Image.fromarray(np.uint8([[0, 1]]), mode=None).convert("P")
    image.putpalette([255, 0, 0, 0, 0, 255])
    read = read_image(_saved(tmp_path / "a.png", image, transparency=0))
    assert read.tolist() == [[[255, 255, 255], [0, 0, 255]]]


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
