"""Interpolation between embeddings."""

import tensorflow as tf

from keras_pixelcnn.checks import is_integer

METHODS = ("linear", "spherical")

NO_ARC = (
    "between opposite embeddings, or from a zero one, there is no one arc. Use the "
    "linear way, or other embeddings."
)

_LEAST_SINE = 1e-6
"""Below it the arc is as good as a point, or has no one direction."""


def interpolate_embeddings(
    a: tf.Tensor, b: tf.Tensor, steps: int, method: str = "linear"
) -> tf.Tensor:
    """Interpolates embeddings at equal distances from `a` to `b`, both included.

    Args:
        a: float32 tensor (d,) or (rows, d).
        b: the same shape.
        steps: number of embeddings on the way, at least 2.
        method: "linear", or "spherical": directions along the arc between them, lengths
            linearly.

    Returns:
        float32 tensor (steps, d) or (rows, steps, d).

    Raises:
        ValueError: when an argument is not as said, or the arc is not determined,
            because one end is zero or the ends are opposite.

    References:
        Shoemake 1985, "Animating rotation with quaternion curves", for the spherical.
    """
    if a.shape != b.shape or a.shape.rank not in (1, 2):
        raise ValueError(
            "The two embeddings must have one shape, (d,) or (rows, d). "
            f"Received: {tuple(a.shape)} and {tuple(b.shape)}"
        )
    if not is_integer(steps, 2):
        raise ValueError(
            "steps must be an integer of at least 2, both ends included. "
            f"Received: steps={steps!r}"
        )
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}. Received: {method!r}")
    way = tf.linspace(0.0, 1.0, steps)[:, tf.newaxis]
    a, b = a[..., tf.newaxis, :], b[..., tf.newaxis, :]
    if method == "linear":
        return _linear(a, b, way)
    between, has_arc = _spherical(a, b, way)
    known = tf.get_static_value(has_arc)
    if known is not None and not known.all():
        raise ValueError(f"Spherical interpolation: {NO_ARC}")
    return between


def embeddings_between(
    a: tf.Tensor, b: tf.Tensor, position: tf.Tensor, spherical: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Interpolates one embedding between each `a` and its `b`.

    Args:
        a: float32 tensor (rows, d).
        b: float32 tensor (rows, d).
        position: float32 tensor (rows,): 0 gives a, 1 gives b.
        spherical: bool tensor (rows,): True for the way along the arc.

    Returns:
        float32 tensor (rows, d), and bool (rows,): whether the row's way is determined.
    """
    position, spherical = position[:, tf.newaxis], spherical[:, tf.newaxis]
    along_arc, has_arc = _spherical(a, b, position)
    between = tf.where(spherical, along_arc, _linear(a, b, position))
    return between, tf.squeeze(has_arc | ~spherical, axis=-1)


def _linear(a: tf.Tensor, b: tf.Tensor, way: tf.Tensor) -> tf.Tensor:
    return (1 - way) * a + way * b


def _spherical(
    a: tf.Tensor, b: tf.Tensor, way: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Embeddings on the arc, and whether there is one arc, (..., 1)."""
    (direction_a, length_a), (direction_b, length_b) = map(_polar, (a, b))
    length_of_sum = tf.norm(direction_a + direction_b, axis=-1, keepdims=True)
    # Stable for small angles, where the cosine says nothing.
    angle = 2 * tf.atan2(
        tf.norm(direction_a - direction_b, axis=-1, keepdims=True), length_of_sum
    )
    sine = tf.sin(angle)
    has_arc = (tf.minimum(length_a, length_b) > 0) & (length_of_sum >= _LEAST_SINE)
    along = tf.where(
        sine > _LEAST_SINE,
        tf.math.divide_no_nan(
            tf.sin((1 - way) * angle) * direction_a + tf.sin(way * angle) * direction_b,
            sine,
        ),
        _linear(direction_a, direction_b, way),
    )
    return _linear(length_a, length_b, way) * along, has_arc


def _polar(embedding: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns direction and length; zeros for a zero embedding."""
    # The squares of large numbers would be infinite.
    scale = tf.reduce_max(tf.abs(embedding), axis=-1, keepdims=True)
    scaled = tf.math.divide_no_nan(embedding, scale)
    length = tf.norm(scaled, axis=-1, keepdims=True)
    return tf.math.divide_no_nan(scaled, length), length * scale
