"""The one rule for what a batch of images is, and the sentences for what is not."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_pixelcnn.argument_checks import is_integer


def check_num_levels(num_levels: int) -> int:
    """Returns `num_levels` as an `int`, or says why it is none.

    Args:
        num_levels: how many values a pixel can take; an integer of at least 2.

    Returns:
        The same number.

    Raises:
        ValueError: if it is not an integer, or less than 2.
    """
    if not is_integer(num_levels, 2):
        raise ValueError(
            "`num_levels` must be an integer of at least 2, as 256 for 8-bit images. "
            f"Received: {num_levels!r}"
        )
    return int(num_levels)


def check_images(
    images: Any,
    num_levels: int,
    name: str = "image",
    image_shape: Sequence[int] | None = None,
) -> np.ndarray:
    """Returns a batch of images as an integer array, or says what is wrong with it.

    Integer input is looked at and not copied. Floats are taken if they are whole
    numbers, since many loaders give `255.0` for `255`. An empty batch passes.

    Args:
        images: anything that `np.asarray` takes, of shape
            `(batch, height, width, channels)`, with integers in `[0, num_levels)`.
        num_levels: how many values a pixel can take.
        name: what error messages call `images`. Defaults to `"image"`.
        image_shape: the `(height, width, channels)` asked for. Defaults to `None`:
            any size.

    Returns:
        The same values with the same shape: integers as they came, booleans as
        `uint8`, floats as `int32`.

    Raises:
        ValueError: if the shape, the type or a value is not as above. The message
            names `name`, the rule, and what arrived, with its index.

    Example:
        >>> check_images(np.full((2, 4, 4, 1), 16.0), num_levels=17).dtype
        dtype('int32')
    """
    num_levels = check_num_levels(num_levels)
    values = _as_array(images, num_levels, name)
    check_shape(values.shape, name, image_shape)
    wrong = _wrong_values(values, num_levels)
    if wrong is not None:
        _raise_wrong_value(values, wrong, num_levels, name)
    if values.dtype.kind == "b":
        return values.view(np.uint8)
    return values.astype(np.int32) if values.dtype.kind == "f" else values


def _as_array(images: Any, num_levels: int, name: str) -> np.ndarray:
    rule = f"`{name}` must be an array of integers in [0, {num_levels})."
    try:
        values = np.asarray(images)
    except ValueError as error:
        raise ValueError(
            f"{rule} Received a {type(images).__name__} that makes no array: {error}"
        ) from error
    if values.dtype.kind not in "buif":
        raise ValueError(
            f"{rule} Received: {type(images).__name__} of type {values.dtype}. "
            "Convert it to an array of numbers first."
        )
    return values


def check_shape(
    shape: tuple[int, ...],
    name: str = "image",
    image_shape: Sequence[int] | None = None,
) -> None:
    """Says why a shape is not that of a batch of images.

    Args:
        shape: the shape of a batch.
        name: what error messages call the batch. Defaults to `"image"`.
        image_shape: the `(height, width, channels)` asked for. Defaults to `None`:
            any size.

    Raises:
        ValueError: if it is not.
    """
    wanted = "height, width, channels"
    fits = len(shape) == 4
    if image_shape is not None:
        wanted = ", ".join(str(size) for size in image_shape)
        fits = fits and shape[1:] == tuple(image_shape)
    if not fits:
        hint = (
            f" A single image needs a batch axis, `{name}[None]`; grey images need a "
            f"channel axis, `{name}[..., None]`."
        )
        raise ValueError(
            f"`{name}` must have shape (batch, {wanted}). "
            f"Received shape: {shape}.{'' if len(shape) == 4 else hint}"
        )
    if 0 in shape[1:]:
        raise ValueError(
            f"`{name}` must have at least one row, column and channel. "
            f"Received shape: {shape}"
        )


def _wrong_values(values: np.ndarray, num_levels: int) -> np.ndarray | None:
    """Returns where the values break the rule, or `None` if nowhere."""
    if values.dtype.kind == "f":
        # Comparisons with NaN are false, so this holds for finite values only.
        right = (values >= 0) & (values < num_levels) & (np.floor(values) == values)
        return None if right.all() else ~right
    # The extremes first: they need no memory, and nearly always suffice.
    if values.size == 0 or (values.min() >= 0 and values.max() < num_levels):
        return None
    return (values < 0) | (values >= num_levels)


def _raise_wrong_value(
    values: np.ndarray, wrong: np.ndarray, num_levels: int, name: str
) -> None:
    index = tuple(int(i) for i in np.unravel_index(np.argmax(wrong), wrong.shape))
    hint = ""
    if values.dtype.kind == "f" and np.all(np.abs(values) <= 1):
        hint = (
            " The values look normalised: pass the pixels as the integers they were, "
            "the model scales them itself."
        )
    raise ValueError(
        f"`{name}` must hold integers in [0, {num_levels}). "
        f"Received: {values[index].item()} at index {index}.{hint}"
    )
