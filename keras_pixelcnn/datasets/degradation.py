"""Degradation of images, which restoring models are given as a spatial map.

A model of p(image | map) is trained on pairs that are made on the fly (van den Oord et
al. 2016, arXiv 1606.05328, equation 5). A map holds float32 numbers, levels scaled to
[-1, 1].
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from keras_pixelcnn.checks import check_images

if TYPE_CHECKING:
    import tensorflow as tf

_NOISE = 0.2
"""Standard deviation of the noise, as a share of the range of levels."""

_HOLE = (0.25, 0.5)
"""Height and width of a hole, as shares of the image's."""


class Degradation(NamedTuple):
    """A way to degrade images, by which a task of restoration is told.

    Attributes:
        name: of the task.
        spatial_shape: gives the map's (height, width, channels) for an image's.
        degrade: makes maps of images (batch, height, width, channels), scaled to
            [-1, 1], with a generator of random numbers.
        baseline: makes of maps and an image's shape the images, scaled to [-1, 1], that
            a method which learns nothing restores.
        baseline_name: what that method is called.
    """

    name: str
    spatial_shape: Callable[[tuple[int, int, int]], tuple[int, int, int]]
    degrade: Callable[[np.ndarray, np.random.Generator], np.ndarray]
    baseline: Callable[[np.ndarray, tuple[int, int, int]], np.ndarray]
    baseline_name: str

    def maps(
        self, images: Any, num_levels: int, seed: int | np.random.Generator = 0
    ) -> np.ndarray:
        """Degrades images.

        Args:
            images: integers in [0, num_levels), (batch, height, width, channels).
            num_levels: how many values a pixel can take.
            seed: an integer of at least 0, of a Philox generator, or a generator.
                Default 0.

        Returns:
            float32 (batch, *spatial_shape): what a model takes as "spatial".

        Raises:
            ValueError: when the images are not as said, or of a size that the task
                cannot take.
        """
        images = check_images(images, num_levels, "images")
        self.spatial_shape(images.shape[1:])
        if not isinstance(seed, np.random.Generator):
            seed = np.random.Generator(np.random.Philox(seed))
        scaled = images * (2 / (num_levels - 1)) - 1
        return self.degrade(scaled, seed).astype(np.float32)

    def add_maps(
        self, examples: "tf.data.Dataset", num_levels: int, seed: int = 0
    ) -> "tf.data.Dataset":
        """Adds to each example of a dataset its map, always the same one.

        Args:
            examples: single examples of {"image", ...}, of a static shape.
            num_levels: how many values a pixel can take.
            seed: of the first image; the n-th has `seed` + n. Default 0.

        Returns:
            The examples with "spatial", float32.
        """
        import tensorflow as tf

        shape = self.spatial_shape(tuple(examples.element_spec["image"].shape))

        def degrade(index: np.ndarray, image: np.ndarray) -> np.ndarray:
            return self.maps(image[np.newaxis], num_levels, seed + int(index))[0]

        @tf.autograph.experimental.do_not_convert
        def add_map(index: tf.Tensor, example: dict) -> dict:
            arguments = [index, example["image"]]
            spatial = tf.numpy_function(degrade, arguments, tf.float32)
            return {**example, "spatial": tf.ensure_shape(spatial, shape)}

        return examples.enumerate().map(add_map)

    def restore(
        self, maps: np.ndarray, image_shape: tuple[int, int, int], num_levels: int
    ) -> np.ndarray:
        """Restores images as well as the baseline can.

        Args:
            maps: as `maps` gives them.
            image_shape: (height, width, channels).
            num_levels: how many values a pixel can take.

        Returns:
            float64 (batch, *image_shape), levels from 0 to num_levels - 1, not rounded.
        """
        return _to_levels(self.baseline(maps, image_shape), num_levels)


def as_pictures(
    maps: np.ndarray, image_shape: tuple[int, int, int], num_levels: int
) -> np.ndarray:
    """Shows what maps hold: small ones in larger pixels, holes in mid grey.

    Args:
        maps: as `Degradation.maps` gives them.
        image_shape: (height, width, channels).
        num_levels: how many values a pixel can take.

    Returns:
        float64 (batch, *image_shape), levels from 0 to num_levels - 1, not rounded.
    """
    height, width, channels = image_shape
    shown = _to_levels(maps[..., :channels], num_levels)
    shown = shown.repeat(height // maps.shape[1], 1).repeat(width // maps.shape[2], 2)
    return np.broadcast_to(shown, (len(maps), *image_shape)).copy()


def _to_levels(scaled: np.ndarray, num_levels: int) -> np.ndarray:
    return (np.clip(scaled, -1, 1).astype(np.float64) + 1) * ((num_levels - 1) / 2)


def psnr(images: Any, restored: Any, num_levels: int) -> np.ndarray:
    """Computes the peak signal-to-noise ratio of restored images.

    Args:
        images: the originals, levels (batch, height, width, channels).
        restored: levels of the same shape, which need not be whole.
        num_levels: how many values a pixel can take.

    Returns:
        float64 (batch,), in decibels; infinite where nothing differs.
    """
    differences = np.asarray(images, np.float64) - np.asarray(restored, np.float64)
    squares = np.mean(differences**2, axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10 * np.log10((num_levels - 1) ** 2 / squares)


def _super_resolution(factor: int) -> Degradation:
    def spatial_shape(shape: tuple[int, int, int]) -> tuple[int, int, int]:
        height, width, channels = shape
        if height % factor or width % factor:
            raise ValueError(
                f"Super-resolution by {factor} needs images whose height and width are "
                f"multiples of {factor}. Received: {height}x{width}"
            )
        return height // factor, width // factor, channels

    def degrade(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        batch, height, width, channels = images.shape
        blocks = images.reshape(
            batch, height // factor, factor, width // factor, factor, channels
        )
        return blocks.mean(axis=(2, 4))

    def bicubic(maps: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
        import tensorflow as tf

        return tf.image.resize(maps, shape[:2], "bicubic").numpy()

    name = f"super_resolution_{factor}"
    return Degradation(name, spatial_shape, degrade, bicubic, "bicubic")


def _grey_shape(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    if shape[2] != 3:
        raise ValueError(
            f"Colours are for images of 3 channels. Received: {shape[2]} channels"
        )
    return *shape[:2], 1


def _median(maps: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    from scipy import ndimage

    return ndimage.median_filter(maps, (1, 3, 3, 1))


def known_pixels_map(images: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Makes the map of an image of which some pixels are known.

    What is not known leaves no trace in it.

    Args:
        images: scaled to [-1, 1], (batch, height, width, channels).
        mask: bool (batch, height, width), True where a pixel is known.

    Returns:
        (batch, height, width, channels + 1): the known values, 0 elsewhere, and 1 where
        they are known.
    """
    known = mask[..., np.newaxis]
    return np.concatenate([np.where(known, images, 0.0), known], axis=-1)


def _cut_hole(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    batch, height, width, _ = images.shape
    numbers = generator.random((batch, 4))
    mask = np.ones((batch, height, width), bool)
    for index, (tall, wide, down, right) in enumerate(numbers):
        rows, columns = (
            max(round(length * (_HOLE[0] + share * (_HOLE[1] - _HOLE[0]))), 1)
            for length, share in ((height, tall), (width, wide))
        )
        top = int(down * (height - rows + 1))
        left = int(right * (width - columns + 1))
        mask[index, top : top + rows, left : left + columns] = False
    return known_pixels_map(images, mask)


def _nearest_known(maps: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    from scipy import ndimage

    restored = np.array(maps[..., :-1])
    for image, each in zip(restored, maps, strict=True):
        hole = each[..., -1] == 0
        nearest = ndimage.distance_transform_edt(
            hole, return_distances=False, return_indices=True
        )
        image[hole] = image[tuple(nearest[:, hole])]
    return restored


DEGRADATIONS = {
    each.name: each
    for each in (
        _super_resolution(2),
        _super_resolution(4),
        Degradation(
            "colorization",
            _grey_shape,
            lambda images, _: images @ np.array([[0.299], [0.587], [0.114]]),  # as luma
            lambda maps, _: np.repeat(maps, 3, axis=-1),
            "grey as it is",
        ),
        Degradation(
            "denoising",
            lambda shape: shape,
            lambda images, chance: images + chance.normal(0, 2 * _NOISE, images.shape),
            _median,
            "median",
        ),
        Degradation(
            "inpainting",
            lambda shape: (*shape[:2], shape[2] + 1),
            _cut_hole,
            _nearest_known,
            "nearest known",
        ),
    )
}
"""By the name of the task."""


def get(name: str) -> Degradation:
    """Returns the degradation of a task.

    Raises:
        ValueError: when there is no such task.
    """
    if name not in DEGRADATIONS:
        raise ValueError(
            f"The task must be one of {', '.join(DEGRADATIONS)}. Received: {name!r}"
        )
    return DEGRADATIONS[name]
