"""Checks of arguments, images and values in graphs, each with its error message."""

import difflib
import functools
import inspect
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import keras
import numpy as np
import tensorflow as tf

Shape = Sequence[int | None]
"""The sizes of a tensor's axes, None where they are not known."""

_MOST_LEVELS = 65_536


def sizes_of(tensor: tf.Tensor) -> list[Any]:
    """Returns the sizes of a tensor's axes: integers, where the graph knows them."""
    sizes = tf.shape(tensor)
    return [size or sizes[axis] for axis, size in enumerate(tensor.shape)]


def is_integer(value: Any, least: int | None = None) -> bool:
    """Tells whether a value is an integer, of Python or NumPy, and no boolean.

    Args:
        value: anything.
        least: the smallest integer that counts. Default: all count.
    """
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        return False
    return least is None or int(value) >= least


def check_image_shape(
    image_shape: Any, argument: str = "image_shape"
) -> tuple[int, int, int]:
    """Checks that a shape is (height, width, channels), each at least 1.

    Raises:
        ValueError: when it is not.
    """
    shape = tuple(image_shape) if np.iterable(image_shape) else ()
    if len(shape) != 3 or not all(is_integer(size, 1) for size in shape):
        raise ValueError(
            f"{argument} must be (height, width, channels), three integers of at "
            f"least 1. Received: {argument}={image_shape!r}"
        )
    height, width, channels = shape
    return int(height), int(width), int(channels)


def check_integer(argument: str, value: Any, least: int = 1) -> int:
    """Checks that an argument is an integer of at least so much, and returns it.

    Raises:
        ValueError: when it is not.
    """
    if not is_integer(value, least):
        raise ValueError(
            f"{argument} must be an integer of at least {least}. "
            f"Received: {argument}={value!r}"
        )
    return int(value)


def check_number(
    argument: str, value: Any, rule: str, is_right: Callable[[Any], bool]
) -> float:
    """Checks that an argument is a real number that follows a rule, and returns it.

    Args:
        argument: its name.
        value: anything.
        rule: what it must be, in words.
        is_right: the same of a number.

    Raises:
        ValueError: when it is not.
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not is_right(value):
        raise ValueError(f"{argument} must be {rule}. Received: {argument}={value!r}")
    return float(value)


def check_share(argument: str, value: Any, meaning: str) -> float:
    """Checks that an argument is a share in [0, 1), and returns it; see `check_number`.

    Args:
        argument: its name.
        value: anything.
        meaning: of what it is the share.
    """
    rule = f"in [0, 1): the share of {meaning}"
    return check_number(argument, value, rule, lambda share: 0 <= share < 1)


def check_dropout_rate(dropout_rate: Any) -> float:
    """Checks the share of features that are dropped; see `check_share`."""
    return check_share("dropout_rate", dropout_rate, "features dropped in training")


def checked(
    possible: tf.Tensor, values: tf.Tensor, rule: str, shown: tf.Tensor | None = None
) -> tf.Tensor:
    """Returns values, once the graph has seen that all of them are possible.

    Args:
        possible: booleans, one for each value; or one for each of `shown`.
        values: any.
        rule: the sentence. It is followed by the first value that breaks it.
        shown: what follows it instead, rows of anything. Default: the values.

    Returns:
        The values; a run raises `InvalidArgumentError` when one is not possible.
    """
    if shown is None:  # a value may also be alone, without axes
        shown, is_wrong = tf.reshape(values, [-1]), tf.reshape(~possible, [-1])
    else:
        is_wrong = ~possible
    wrong = tf.boolean_mask(shown, is_wrong)[:1]
    check = tf.debugging.Assert(tf.reduce_all(possible), [rule, "Received:", wrong])
    with tf.control_dependencies([check]):
        return tf.identity(values)


_NOT_FINITE = (
    "The training that made them has failed: use an earlier checkpoint, or train again "
    "at a lower learning rate."
)


def checked_outputs(is_right: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """Returns what a network's outputs became, once it is seen that it is something.

    Args:
        is_right: booleans of the outputs' shape: False where numbers were not finite.
        outputs: any.

    Raises:
        ValueError: where it is not; a graph raises `InvalidArgumentError` when it runs.
    """
    rule = (
        "The model must give finite numbers. Its weights hold NaN, or numbers that are "
        f"too large. {_NOT_FINITE}"
    )
    if tf.executing_eagerly():
        if not tf.reduce_all(is_right):
            raise ValueError(rule)
        return outputs
    check = tf.debugging.Assert(tf.reduce_all(is_right), [rule])
    with tf.control_dependencies([check]):
        return tf.identity(outputs)


def check_finite_weights(weights: Iterable[Any]) -> None:
    """Checks weights before they are kept or served.

    Args:
        weights: variables of Keras.

    Raises:
        ValueError: when a number among them is not finite.
    """
    for weight in weights:
        is_wrong = ~np.isfinite(keras.ops.convert_to_numpy(weight))
        if is_wrong.any():
            raise ValueError(
                f"Weights must be finite. Received: {weight.path}, with "
                f"{np.count_nonzero(is_wrong)} numbers that are not. {_NOT_FINITE}"
            )


_NO_LEVELS = frozenset(["P", "PA", "HSV", "YCbCr", "LAB"])
"""Modes of Pillow's pictures: places in a palette, and other spaces of colours."""


def of_known_shape(
    name: str, value: tf.Tensor, shape: tuple[int, ...], *others: tuple[int, ...]
) -> tf.Tensor:
    """Gives a batch its shape where the graph does not know it.

    Args:
        name: what error messages call the values.
        value: (batch, *shape), or of the other shapes, when it is run.
        shape: of one example's value.
        *others: what is also taken, of the same size.

    Returns:
        (batch, *shape); a run raises `InvalidArgumentError` when it has another shape.
    """
    own, rank = tf.shape(value), len(shape) + 2
    # Padded, so that a shape of any rank can be compared.
    sizes = tf.concat([own, [-1] * rank], axis=0)[1:rank]
    fits = [
        tf.reduce_all(tf.equal(sizes, [*each, *[-1] * (rank - 1 - len(each))]))
        for each in (shape, *others)
    ]
    rule = f"{name} must have shape ({', '.join(['batch', *map(str, shape)])})."
    right = (tf.size(own) > 0) & tf.reduce_any(fits)
    check = tf.debugging.Assert(right, [rule, "Received shape:", own], 8)
    with tf.control_dependencies([check]):
        return tf.reshape(value, [-1, *shape])


def one_each(
    name: str, value: tf.Tensor, shape: tuple[int, ...], count: tf.Tensor | int
) -> tf.Tensor:
    """Gives each example its own of a value that may be one for all of them.

    Args:
        name: what error messages call the value.
        value: (*shape,) or (count, *shape), as far as the graph knows.
        shape: of one example's value.
        count: number of examples.

    Returns:
        (count, *shape); a run raises `InvalidArgumentError` when the graph did not know
        the value's shape, and it is another: a vector of one is not for all.
    """
    has_count = value.shape.rank != len(shape)
    given, known = value.shape, tf.get_static_value(count)
    if not given.is_fully_defined() or (has_count and given[0] != known):
        count = tf.cast(count, tf.int32)
        wanted = [count, *shape] if has_count else list(shape)
        fits = tf.reduce_all(tf.equal(tf.shape(value), wanted))
        rule = f"{name} must be one for all examples, or one for each."
        received = ["Received shape:", tf.shape(value), "for", count, "examples"]
        check = tf.debugging.Assert(fits, [rule, *received], 8)
        # Not a reshape: the optimiser of graphs drops those, and the check with them.
        with tf.control_dependencies([check]):
            value = tf.identity(value)
    return tf.broadcast_to(value, [count, *shape])


def check_num_levels(num_levels: int) -> int:
    """Returns `num_levels` as an `int`, or says why it is none.

    Args:
        num_levels: how many values a pixel can take; an integer from 2 to 65,536.

    Returns:
        The same number.

    Raises:
        ValueError: if it is none of these.
    """
    if not is_integer(num_levels, 2) or num_levels > _MOST_LEVELS:
        raise ValueError(
            f"num_levels must be an integer from 2 to {_MOST_LEVELS:,}, as 256 for "
            f"8-bit images. Received: num_levels={num_levels!r}"
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
    values = as_array(images, num_levels, name)
    check_shape(values.shape, name, image_shape)
    wrong = _wrong_values(values, num_levels)
    if wrong is not None:
        _raise_wrong_value(values, wrong, num_levels, name)
    if values.dtype.kind == "b":
        return values.view(np.uint8)
    return values.astype(np.int32) if values.dtype.kind == "f" else values


def as_array(images: Any, num_levels: int, name: str = "image") -> np.ndarray:
    """Returns what makes an array of numbers, or says why it makes none.

    Args:
        images: anything.
        num_levels: how many values a pixel can take.
        name: what error messages call `images`. Defaults to `"image"`.

    Raises:
        ValueError: when it makes no array, or one of other things.
    """
    rule = f"`{name}` must be an array of integers in [0, {num_levels})."
    try:
        values = _to_numpy(images)
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


def as_array_or_none(values: Any) -> np.ndarray | None:
    """Returns an array of anything; None of what makes none, as `_to_numpy` says."""
    try:
        return _to_numpy(values)
    except ValueError:
        return None


def _to_numpy(values: Any) -> np.ndarray:
    """Returns an array of anything; bfloat16, which NumPy does not know, as float32.

    Raises:
        ValueError: when lists differ in length; when values are masked, which NumPy
            would take for what lies beneath; when a tensor is not dense; or when a
            picture of Pillow's holds other numbers than grey levels and colours.
    """
    parts = values if isinstance(values, list | tuple) else [values]
    modes = {getattr(x, "mode", None) for x in parts if hasattr(x, "getbands")}
    if not modes.isdisjoint(_NO_LEVELS):
        raise ValueError(
            f"A picture of mode {min(modes & _NO_LEVELS)} holds no levels of its "
            'colours: .convert("RGB") or .convert("L") helps.'
        )
    if any(isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x) for x in parts):
        raise ValueError("Some values are masked: fill them, as by .filled(0).")
    if isinstance(values, tf.RaggedTensor | tf.SparseTensor):
        raise ValueError("It is not dense: .to_tensor() or tf.sparse.to_dense helps.")
    array = np.asarray(values)
    if array.dtype == bool:
        return array.astype(np.uint8) != 0  # Pillow makes Booleans of a byte of 255
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def as_numbers(values: Any, name: str) -> tf.Tensor:
    """Returns a tensor of numbers as they came, with their fractions and all digits.

    Args:
        values: anything.
        name: what the error message calls them.

    Raises:
        ValueError: when they are no real numbers.
    """
    is_dense = not isinstance(values, tf.RaggedTensor | tf.SparseTensor)
    if not (tf.is_tensor(values) and is_dense):
        try:
            values = _to_numpy(values)
        except ValueError as error:
            raise ValueError(f"{name} must hold numbers. {error}") from error
        if values.dtype.kind == "f" and values.dtype.itemsize > 8:
            values = values.astype(np.float64)
        if values.dtype.kind not in "buif":
            raise ValueError(
                f"{name} must hold numbers. Received: values of type {values.dtype}"
            )
    values = tf.convert_to_tensor(values)
    dtype = values.dtype
    if not (dtype.is_integer or dtype.is_floating or dtype.is_bool):
        raise ValueError(
            f"{name} must hold numbers. Received: values of type {dtype.name}"
        )
    return values


def checked_images(images: tf.Tensor, num_levels: int) -> tf.Tensor:
    """Returns images, once the graph has seen that they hold levels.

    Args:
        images: tensor of any shape, of integers, booleans, or whole floats.
        num_levels: how many values a pixel can take.

    Returns:
        The images; a run raises `InvalidArgumentError` when a value is no level.

    Raises:
        ValueError: when they are no numbers.
    """
    rule = f"`image` must hold integers in [0, {num_levels})."
    dtype = images.dtype
    if dtype == tf.bool:
        return images
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"{rule} Received: values of type {dtype.name}")
    if dtype.is_integer and dtype.min >= 0 and dtype.max < num_levels:
        return images
    # Of a type that holds all levels.
    values = tf.cast(images, tf.int64 if dtype.is_integer else tf.float64)
    possible = (values >= 0) & (values < num_levels)
    if dtype.is_floating:
        possible &= tf.equal(values, tf.floor(values))
        rule += " Pass the pixels as the integers they were: the model scales them."
    return checked(possible, images, rule)


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
            f" A single image needs a batch axis, `{name}[None]`, a data set of single "
            f"images `.batch(32)`; grey images need a channel axis, "
            f"`{name}[..., None]`."
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


# Keywords of the methods that users call.

_Method = TypeVar("_Method", bound=Callable[..., Any])


def verb(*also: str) -> Callable[[_Method], _Method]:
    """Marks a method that users call, so that a misspelt keyword is told.

    Python would tell of it only where the method takes no others, and models would take
    it for a condition. AutoGraph leaves such methods as they are: it would convert all
    that they call, for seconds and to no end, in a user's `tf.function`.

    Args:
        *also: keywords that the method takes beside those of its signature. (Those of
            the same method in the classes above are known.) Where it takes any, the
            conditions of `self.conditions` are among them.
    """

    def mark(method: _Method) -> _Method:
        own = frozenset(_parameters(method))

        @functools.wraps(method)
        def marked(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not kwargs.keys() <= own:
                _check_keywords(self, method.__name__, kwargs)
            return method(self, *args, **kwargs)

        marked.also = also  # type: ignore[attr-defined]
        return tf.autograph.experimental.do_not_convert(marked)

    return mark


def near_name(name: str, known: Iterable[str]) -> str:
    """Returns the end of a sentence that suggests what was meant; or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f". Was {near[0]} meant?" if near else ""


def _check_keywords(owner: Any, name: str, given: Mapping[str, Any]) -> None:
    """Checks that a method takes the keywords that it was given.

    Args:
        owner: whose method it is.
        name: of the method.
        given: by keyword; None says nothing where the method takes conditions.

    Raises:
        ValueError: when it does not.
    """
    own: dict[str, None] = {}
    takes_any = False
    for cls in type(owner).__mro__:
        if method := vars(cls).get(name):
            parameters = inspect.signature(method).parameters.values()
            takes_any |= any(each.kind is each.VAR_KEYWORD for each in parameters)
            own |= dict.fromkeys((*_parameters(method), *getattr(method, "also", ())))
    known = [*own, *(owner.conditions.known_names if takes_any else ())]
    unknown = [
        keyword
        for keyword, value in given.items()
        if keyword not in known and not (takes_any and value is None)
    ]
    if unknown:
        takes = f"{name} takes {', '.join(own)}"
        if takes_any:
            takes = f"The model takes {owner.conditions.words}; {takes} beside them"
        near = near_name(unknown[0], known)
        raise ValueError(f"{takes}. Received: {unknown}{near}")


def _parameters(method: Callable[..., Any]) -> list[str]:
    """Returns the names of what a method takes, without `self` and `**others`."""
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
