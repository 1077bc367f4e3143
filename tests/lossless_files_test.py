"""Tests of the files whose sizes are compared: that nothing of the image is lost."""

import io
import sys
import types

import numpy as np
import pytest
from PIL import Image

from keras_pixelcnn import baselines, lossless_files

CODECS = [lossless_files.PNG, lossless_files.WEBP, lossless_files.JPEG_XL]


def decoded(file, channels):
    with Image.open(io.BytesIO(file)) as picture:
        pixels = np.asarray(picture.convert("RGB") if channels == 3 else picture)
    if pixels.ndim == 3 and channels == 1:  # WebP has no grey
        assert (pixels == pixels[..., :1]).all()
        pixels = pixels[..., 0]
    return pixels.reshape(*pixels.shape[:2], channels)


@pytest.mark.parametrize("num_levels", [2, 3, 4, 5, 16, 17, 256])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_files_hold_the_images(codec, channels, num_levels):
    if codec.missing():
        pytest.skip(codec.missing())
    shape = (7, 9, channels)
    image = np.random.default_rng(0).integers(0, num_levels, shape, np.uint8)
    files = list(codec.files(image, num_levels))
    assert files
    for file in files:
        np.testing.assert_array_equal(decoded(file, channels), image)


def test_grey_of_few_levels_is_also_packed():
    image = np.zeros((32, 32, 1), np.uint8)
    counts = [
        len(list(lossless_files.PNG.files(image, levels))) for levels in (2, 4, 16, 17)
    ]
    assert counts == [2, 2, 2, 1]


@pytest.mark.parametrize("missing", [True, False])
def test_webp_is_there_if_pillow_was_built_with_it(monkeypatch, missing):
    monkeypatch.setattr("PIL.features.check", lambda name: not missing)
    reason = lossless_files.WEBP.reason_against(1, 256)
    assert (reason == "needs a Pillow built with WebP") == missing


def test_the_smaller_of_the_files_of_jpeg_xl_counts(monkeypatch):
    """With a plugin that stands in for the real one, which not everyone has."""

    def save(picture, file, name):
        assert picture.encoderinfo["lossless"]
        file.write(bytes(30 if "effort" in picture.encoderinfo else 20))

    monkeypatch.setitem(sys.modules, "pillow_jxl", types.ModuleType("pillow_jxl"))
    Image.init()
    monkeypatch.setitem(Image.SAVE, "JXL", save)
    images = np.zeros((3, 4, 5, 1), np.uint8)
    assert baselines.jpeg_xl_bits_per_dim(images, 17) == 8 * 20 / 20
    assert "JPEG XL" in baselines.baseline_table(images, images, 17)
