"""Conversion of a user's arguments to the arrays that a signature takes."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from savedmodels.client.errors import InvalidRequestError
from savedmodels.tensor_spec import TensorSpec


def cast(name: str, value: Any, spec: TensorSpec) -> np.ndarray:
    """Gives values the type that an input has; integers must fit into it.

    Args:
        name: what error messages call the input.
        value: anything that makes an array.
        spec: of the input.

    Raises:
        InvalidRequestError: when the values are of another kind, or exceed the type.
    """
    if spec.dtype.kind == "O":
        return _as_strings(name, value)
    try:
        values = np.asarray(value)
    except ValueError as error:
        raise InvalidRequestError(
            f"{name} must be numbers that make an array. Received: {error}"
        ) from error
    takes = {"b": _as_booleans, "f": _as_floats}.get(spec.dtype.kind, _as_integers)
    return takes(name, values, spec.dtype)


def _as_strings(name: str, value: Any) -> np.ndarray:
    # As objects from the start: NumPy's own strings lose zeros at their end.
    values = np.array(value, dtype=object)
    strings = [v.encode() if isinstance(v, str) else v for v in values.ravel()]
    for string in strings:
        if not isinstance(string, bytes):
            raise InvalidRequestError(
                f"{name} must hold bytes. Received: {type(string).__name__}"
            )
    flat = np.empty(len(strings), object)
    flat[:] = strings
    return flat.reshape(values.shape)


def _as_booleans(name: str, values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if values.dtype.kind not in "buif" or not np.isin(values, (0, 1)).all():
        raise InvalidRequestError(
            f"{name} must hold True and False, or 1 and 0. "
            f"Received: values of type {values.dtype}, {values.ravel()[:5]}"
        )
    return values.astype(dtype)


def _as_floats(name: str, values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if values.size and values.dtype.kind not in "fiu":
        _refuse_type(name, "numbers", values)
    with np.errstate(over="ignore"):  # the server tells of what is not finite
        return values.astype(dtype)


def _as_integers(name: str, values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if not values.size:
        return values.astype(dtype)
    if values.dtype.kind not in "iu":
        _refuse_type(name, "integers", values)
    limits = np.iinfo(dtype)
    least, most = int(values.min()), int(values.max())
    if least < limits.min or most > limits.max:
        wrong = least if least < limits.min else most
        raise InvalidRequestError(
            f"{name} must hold integers in [{limits.min}, {limits.max}]. "
            f"Received: {wrong}"
        )
    return values.astype(dtype)


def _refuse_type(name: str, kind: str, values: np.ndarray) -> None:
    raise InvalidRequestError(
        f"{name} must hold {kind}. Received: values of type {values.dtype}"
    )


def as_levels(image: Any) -> Any:
    """Gives whole floats and booleans as integers; anything else as it is.

    Raises:
        InvalidRequestError: when a float is no whole number.
    """
    try:
        values = np.asarray(image)
    except ValueError:
        return image  # `cast` tells
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    if values.dtype.kind != "f":
        return values
    # Infinities equal their floor, and NaN equals nothing.
    wrong = ~((np.floor(values) == values) & (np.abs(values) < 2.0**62))
    if wrong.any():
        raise InvalidRequestError(
            "image must hold integers: the pixels as they are stored, the model scales "
            f"them itself. Received: {values[wrong].flat[0]}"
        )
    return values.astype(np.int64)


def known_levels(image: Any, mask: Any, mask_spec: TensorSpec) -> Any:
    """Does as `as_levels`, with 0 where the mask is False and anything may stand.

    Raises:
        InvalidRequestError: when the mask holds no booleans, or the image no integers
            where it is known.
    """
    known = cast("mask", mask, mask_spec)
    try:
        values = np.asarray(image)
    except ValueError:
        return image  # `cast` tells
    if values.ndim == 4 and known.shape in (values.shape[:3], values.shape[1:3]):
        values = np.where(known[..., np.newaxis], values, np.zeros((), np.uint8))
    return as_levels(values)


def _count_rows(
    values: Mapping[str, np.ndarray], specs: Mapping[str, TensorSpec]
) -> int | None:
    """Counts the rows of the first input that is not one for all; None: all are."""
    for name, value in values.items():
        shape = specs[name].shape
        rank = value.ndim if shape is None else len(shape)
        if rank and value.ndim == rank:
            return len(value)
    return None


def _check_batch(name: str, value: np.ndarray, spec: TensorSpec) -> None:
    """Checks an input that cannot be one for all rows.

    Raises:
        InvalidRequestError: when it does not lead with the batch.
    """
    if not spec.is_batch(value.shape):
        hint = ""
        if spec.is_example(value.shape):
            hint = f" A single one needs a batch axis, {name}[None]."
        raise InvalidRequestError(
            f"{name} must have the shape {spec.shape_words('batch')}. "
            f"Received: shape {value.shape}.{hint}"
        )


def broadcast(name: str, value: np.ndarray, spec: TensorSpec, count: int) -> np.ndarray:
    """Gives every row its own value.

    Args:
        name: what error messages call the input.
        value: one for all rows, or one for each.
        spec: of the input.
        count: number of rows n.

    Returns:
        An array (n, ...), which may share its rows.

    Raises:
        InvalidRequestError: when the shape does not fit.
    """
    if spec.shape is None:
        return value
    if spec.is_example(value.shape):
        return np.broadcast_to(value, (count, *value.shape))
    if not spec.is_batch(value.shape, count):
        one = spec.shape_words(None) if spec.example_shape else "()"
        raise InvalidRequestError(
            f"{name} must be one for all rows, of shape {one}, or one for each, of "
            f"shape {spec.shape_words(count)}. Received: shape {value.shape}"
        )
    return value


def prepare_seeds(seed: Any, count: int) -> np.ndarray:
    """Makes one seed for each image.

    Args:
        seed: an integer for the call, folded with each image's index as the Python
            model does; one integer for each; or None, which draws each from Python's
            `random`.
        count: number of images n.

    Returns:
        int64 (n,).

    Raises:
        InvalidRequestError: when they are no such integers, or not as many as images.
    """
    if seed is None:
        return np.array([random.getrandbits(63) for _ in range(count)], np.int64)
    seeds = cast("seed", seed, TensorSpec(np.dtype(np.int64), (None,)))
    if seeds.ndim == 0:
        # Loads TensorFlow, whose random numbers these are.
        from keras_pixelcnn import example_seeds

        return example_seeds(int(seeds), count).numpy()
    return broadcast("seed", seeds, TensorSpec(seeds.dtype, (None,)), count)


def prepare_inputs(
    signature: str,
    specs: Mapping[str, TensorSpec],
    given: Mapping[str, Any],
    seed: Any = None,
    count: int | None = None,
    batch: str | None = None,
) -> tuple[dict[str, np.ndarray], int]:
    """Gives every row of a call its inputs.

    Args:
        signature: its name.
        specs: its inputs.
        given: by name, one for all rows or one for each.
        seed: for the input "seed", if it is not given: one for the call, or one for
            each row. Default: at random.
        count: number of rows n. Default: as many as an input has, else 1.
        batch: an input that must be one for each row. Default: none.

    Returns:
        Arrays (n, ...) by name, and n.

    Raises:
        InvalidRequestError: when an input is unknown, or not as the signature says.
    """
    unknown = [name for name in given if name not in specs]
    if unknown:
        raise InvalidRequestError(
            f"The signature {signature!r} takes {sorted(specs)}. Received: {unknown}"
        )
    values = {name: cast(name, value, specs[name]) for name, value in given.items()}
    if batch is not None:
        _check_batch(batch, values[batch], specs[batch])
        count = len(values[batch])
    if count is None:
        count = _count_rows(values, specs)
    if count is None and seed is not None:
        seeds = {"seed": cast("seed", seed, specs["seed"])}
        count = _count_rows(seeds, specs)
    count = 1 if count is None else count
    arrays = {
        name: broadcast(name, value, specs[name], count)
        for name, value in values.items()
    }
    if "seed" in specs and "seed" not in arrays:
        arrays["seed"] = prepare_seeds(seed, count)
    return arrays, count
