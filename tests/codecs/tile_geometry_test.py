"""Images as tiles and back."""

import numpy as np
import pytest

from keras_pixelcnn.codecs import tile_geometry
from keras_pixelcnn.codecs.tile_batches import cut_batches, join_batches, tile_places

SIZES = [(1, 1), (3, 4), (4, 3), (6, 8), (7, 9), (2, 13)]
TILE = (3, 4)


def image_of(size, channels=2):
    return np.arange(size[0] * size[1] * channels).reshape(*size, channels)


@pytest.mark.parametrize("size", SIZES)
def test_tiles_join_to_the_image(size):
    image = image_of(size)
    cut = tile_geometry.cut(image, TILE)
    assert cut.shape == (tile_geometry.num_tiles(size, TILE), *TILE, 2)
    np.testing.assert_array_equal(tile_geometry.join(cut, size), image)


@pytest.mark.parametrize("size", SIZES)
def test_what_is_inside_of_tiles_is_the_image_and_the_rest_repeats_it(size):
    image = image_of(size)
    cut, inner = tile_geometry.cut(image, TILE), tile_geometry.inner_sizes(size, TILE)
    inside = [tile[:h, :w].ravel() for tile, (h, w) in zip(cut, inner)]
    assert sorted(np.concatenate(inside)) == sorted(image.ravel())
    for tile, (height, width) in zip(cut, inner):
        assert (tile[height:] == tile[height - 1]).all()
        assert (tile[:, width:] == tile[:, width - 1 : width]).all()


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_batches_go_across_images(batch_size):
    images = [image_of(size) for size in SIZES]
    total = sum(tile_geometry.num_tiles(size, TILE) for size in SIZES)
    counts = [min(batch_size, total - i) for i in range(0, total, batch_size)]
    batches = list(cut_batches(images, TILE, counts))
    assert [len(batch) for batch in batches] == counts
    places = list(tile_places(SIZES, TILE, counts))
    owners = np.concatenate([place.images for place in places])
    expected = [tile_geometry.num_tiles(size, TILE) for size in SIZES]
    np.testing.assert_array_equal(np.bincount(owners), expected)
    back = list(join_batches(batches, SIZES, np.dtype("int64")))
    for image, again in zip(images, back, strict=True):
        np.testing.assert_array_equal(image, again)
