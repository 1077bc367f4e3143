"""Dependencies of a model's pixels, found by gradients, and pictures of them."""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn import files
from keras_pixelcnn.checks import check_integer, is_integer
from keras_pixelcnn.models import AutoregressiveImageModel

_PIXEL, _SEEN, _UNSEEN, _LATER = range(4)
_COLORS = np.array(
    [(34, 34, 34), (86, 140, 196), (240, 178, 84), (255, 255, 255)], np.uint8
)
_LABELS = ("the pixel", "depends on", "comes before, not seen", "comes after")
_LINE = (176, 180, 186)
_TEXT = (34, 34, 34)
_BACKGROUND = (255, 255, 255)
_FONT_SIZE = 14
_LINE_HEIGHT = 28
_MARGIN = 10


def dependencies(
    model: AutoregressiveImageModel,
    pixel: tuple[int, int] | None = None,
    *,
    training: bool = False,
    tries: int = 6,
    batch_size: int = 256,
    seed: int = 0,
) -> np.ndarray:
    """Finds the channels of pixels that each channel's distribution depends on.

    Found by gradients of the parameters of a channel's distribution with respect to the
    image (to its vectors, where the model looks them up in a table), on images and
    conditions drawn at random. What is False has a gradient of exactly 0 in all of
    them. A dependency that no try shows, as where a ReLU is shut in all of them, is
    missed: a model needs weights that are not all zero, and narrow ones need several
    tries.

    Args:
        model: any model of this package.
        pixel: (row, column) of the only pixel to look at, which is cheap for images of
            any size. Default: all pixels; the result then grows with the square of
            their number.
        training: whether dropout is on. Default False.
        tries: on how many images it is tried. Default 6.
        batch_size: copies of images in one pass, of each image one for each channel
            looked at; fewer where images are large. Default 256.
        seed: of the images and conditions, not negative. Default 0.

    Returns:
        Booleans (height, width, channels, height, width, channels): whether the first
        three, a channel of a pixel, depend on the last three. With `pixel` those of its
        channels alone, (channels, height, width, channels).

    Raises:
        ValueError: when an argument is out of its range, or the network's image does
            not come out of a layer named "encoding".

    Example:
        >>> model = PixelCNN((9, 9, 1), filters=8, num_blocks=3)
        >>> dependencies(model, pixel=(4, 4))[0, :, :, 0].sum()  # pixels that it sees
    """
    _check_model(model)
    check_integer("tries", tries)
    check_integer("batch_size", batch_size)
    check_integer("seed", seed, 0)
    outputs = _outputs(model.image_shape, pixel)
    network = network_of_encoded(model)
    generator = np.random.default_rng(seed)
    found = np.zeros((len(outputs), *model.image_shape), bool)
    images = generator.uniform(0, model.num_levels - 1, (tries, *model.image_shape))
    images = images.astype("float32")
    conditions = model.conditions.random_values(generator, tries)
    for start in range(0, tries * len(outputs), batch_size):
        copies = np.arange(start, min(start + batch_size, tries * len(outputs)))
        of_image, of_output = np.divmod(copies, len(outputs))
        seen = _gradients_of(
            model,
            network,
            outputs[of_output],
            images[of_image],
            {name: value[of_image] for name, value in conditions.items()},
            training,
        )
        np.logical_or.at(found, of_output, seen)
    leading = model.image_shape if pixel is None else model.image_shape[-1:]
    return found.reshape(*leading, *model.image_shape)


def network_of_encoded(
    model: AutoregressiveImageModel,
) -> Callable[..., tf.Tensor]:
    """Cuts the model at its encoded image: floats, which gradients can reach.

    Args:
        model: any model whose image goes through a layer named "encoding".

    Returns:
        A function of encoded images (batch, height, width, features), the model's other
        inputs by name, and whether dropout is on, to the likelihood's parameters.

    Raises:
        ValueError: when there is no such layer.
    """
    if "encoding" not in {layer.name for layer in model.layers}:
        raise ValueError(
            'The model\'s image must go through a layer named "encoding", which makes '
            f"floats of it. Received: {type(model).__name__} without one."
        )
    names = [name for name in model.input if name != "image"]
    encoded = model.get_layer("encoding").output
    inputs = [encoded, *[model.input[name] for name in names]]
    network = keras.Model(inputs, model.output)

    def run(
        image: tf.Tensor, given: Mapping[str, tf.Tensor], training: bool = False
    ) -> tf.Tensor:
        return network([image, *[given[name] for name in names]], training=training)

    return run


def _check_model(model: Any) -> None:
    if not isinstance(model, AutoregressiveImageModel):
        raise ValueError(
            "model must be one of keras_pixelcnn, such as GatedPixelCNN. "
            f"Received: {type(model).__name__}"
        )


def _outputs(
    image_shape: tuple[int, int, int], pixel: tuple[int, int] | None
) -> np.ndarray:
    """Lists the channels to look at: int (n, 3) of row, column and channel."""
    if pixel is None:
        return np.argwhere(np.ones(image_shape, bool))
    place = tuple(pixel) if np.ndim(pixel) == 1 else ()
    is_pair = len(place) == 2 and all(is_integer(index) for index in place)
    height, width, channels = image_shape
    if not is_pair or not (0 <= place[0] < height and 0 <= place[1] < width):
        raise ValueError(
            f"pixel must be (row, column) in an image of {height} rows and {width} "
            f"columns. Received: pixel={pixel!r}"
        )
    return np.array([(*place, channel) for channel in range(channels)], int)


def _gradients_of(
    model: AutoregressiveImageModel,
    network: Callable[..., tf.Tensor],
    outputs: np.ndarray,
    images: np.ndarray,
    conditions: Mapping[str, Any],
    training: bool,
) -> np.ndarray:
    """Tells where each image has a gradient: bool (outputs, h, w, channels).

    One backward pass for all outputs: each has an image for itself.
    """
    given = model.conditions.prepare(conditions, len(outputs))
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        encoded = model.get_layer("encoding")(images)
        tape.watch(encoded)
        parameters = network(encoded, given, training)
        own = [
            tf.reduce_sum(channel * tf.random.normal(channel.shape[1:], seed=1))
            for channel in _channels_of(model, parameters, images, outputs)
        ]
        total = tf.add_n(own)
    by_image, by_features = tape.gradient(total, [images, encoded])
    if by_image is not None:
        return by_image.numpy() != 0
    # A lookup has no gradient with respect to its integers, but to what it found.
    found = by_features.numpy().reshape(*images.shape, -1)
    return (found != 0).any(axis=-1)


def _channels_of(
    model: AutoregressiveImageModel,
    parameters: tf.Tensor,
    images: tf.Tensor,
    outputs: np.ndarray,
) -> Iterator[tf.Tensor]:
    """Yields the parameters of the distribution of each channel in the outputs."""
    for channel in np.unique(outputs[:, 2]):
        (copies,) = np.nonzero(outputs[:, 2] == channel)
        places = np.stack([copies, *outputs[copies, :2].T], axis=-1)
        values = tf.unstack(tf.gather_nd(images, places)[:, :channel], axis=-1)
        pixels = tf.gather_nd(parameters, places)
        yield model.pixel_likelihood.channel_parameters(pixels, values)


def plot_receptive_field(
    model: AutoregressiveImageModel | Mapping[str, AutoregressiveImageModel],
    pixel: tuple[int, int] | None = None,
    path: str | os.PathLike[str] | None = None,
    *,
    tries: int = 6,
    cell_size: int = 20,
) -> np.ndarray:
    """Draws which pixels one pixel depends on, of one model or of several in a row.

    Args:
        model: any model of this package, or several by what stands above each.
        pixel: (row, column). Default: the middle of the image.
        path: a PNG file to write, whole or not at all. Default: none.
        tries: as for `dependencies`.
        cell_size: side of an image's pixel in the picture, at least 2. Default 20.

    Returns:
        The picture, uint8 (height, width, 3): blue the pixels that it depends on, by
        any channel; amber those that come before and are not seen; white those that
        come after.

    Raises:
        ValueError: as `dependencies` does, or when there is no model or the cells are
            too small.

    Example:
        >>> plot_receptive_field(PixelCNN((13, 13, 1)), (8, 6), "seen.png")
    """
    models = dict(model) if isinstance(model, Mapping) else {"": model}
    if not models or not all(isinstance(title, str) for title in models):
        raise ValueError(
            "model must be a model, or several by the text that stands above each. "
            f"Received: {list(models) or 'none'}"
        )
    check_integer("cell_size", cell_size, 2)
    panels = {
        title: _cells(_kinds(model, pixel, tries), cell_size)
        for title, model in models.items()
    }
    picture = _compose(panels)
    if path is not None:
        with files.replace_when_written(path) as part:
            picture.save(part, format="PNG", optimize=True)
    return np.asarray(picture)


def _kinds(
    model: AutoregressiveImageModel, pixel: tuple[int, int] | None, tries: int
) -> np.ndarray:
    """Classifies pixels by what they are to the one looked at: int (h, w)."""
    _check_model(model)
    height, width, _ = model.image_shape
    pixel = (height // 2, width // 2) if pixel is None else pixel
    seen = dependencies(model, pixel, tries=tries).any(axis=(0, -1))
    row, column = pixel
    first, *later = model.scan_passes
    ranks = np.zeros((height, width), int)
    ranks[tuple(first.places.T)] = np.arange(height * width)
    # A channel of a later pass comes after the first pass's, of all pixels.
    before = (ranks < ranks[row, column]) | bool(later)
    kinds = np.where(seen, _SEEN, np.where(before, _UNSEEN, _LATER))
    kinds[row, column] = _PIXEL
    return kinds


def _cells(kinds: np.ndarray, cell_size: int) -> np.ndarray:
    """Draws squares with a line around each: uint8 (height, width, 3)."""
    height, width = kinds.shape
    cells = _COLORS[kinds].repeat(cell_size, axis=0).repeat(cell_size, axis=1)
    picture = np.empty((height * cell_size + 1, width * cell_size + 1, 3), np.uint8)
    picture[:] = _LINE
    picture[:-1, :-1] = cells
    picture[::cell_size] = _LINE
    picture[:, ::cell_size] = _LINE
    return picture


def _compose(panels: Mapping[str, np.ndarray]) -> Any:
    """Draws panels in a row, with titles above and a legend below."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(_FONT_SIZE)
    sizes = [(_text_width(font, title), *panels[title].shape[:2]) for title in panels]
    widths = [max(text, width) for text, _, width in sizes]
    *lefts, right = np.cumsum([_MARGIN, *[width + 2 * _MARGIN for width in widths]])
    top = _LINE_HEIGHT if any(panels) else _MARGIN
    bottom = top + max(height for _, height, _ in sizes) + _MARGIN
    entries = [_FONT_SIZE + 6 + _text_width(font, label) for label in _LABELS]
    width = int(max(right - _MARGIN, max(entries) + 2 * _MARGIN))
    places = _flow(entries, width)
    height = bottom + (places[-1][1] + 1) * _LINE_HEIGHT
    picture = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(picture)
    for left, (title, panel) in zip(lefts, panels.items(), strict=True):
        draw.text((left, top // 2), title, _TEXT, font, anchor="lm")
        picture.paste(Image.fromarray(panel), (int(left), top))
    for (x, line), color, label in zip(places, _COLORS, _LABELS, strict=True):
        y = bottom + line * _LINE_HEIGHT
        box = (x, y, x + _FONT_SIZE, y + _FONT_SIZE)
        draw.rectangle(box, tuple(map(int, color)), _LINE)
        place = (x + _FONT_SIZE + 6, y + _FONT_SIZE // 2)
        draw.text(place, label, _TEXT, font, anchor="lm")
    return picture


def _text_width(font: Any, text: str) -> int:
    return math.ceil(font.getlength(text))


def _flow(widths: list[int], width: int) -> list[tuple[int, int]]:
    """Places entries of some widths in lines of a width: (left, line) of each."""
    places, left, line = [], _MARGIN, 0
    for entry in widths:
        if places and left + entry > width - _MARGIN:
            left, line = _MARGIN, line + 1
        places.append((left, line))
        left += entry + 2 * _MARGIN
    return places
