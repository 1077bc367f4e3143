"""The triplet loss, with semi-hard negatives mined in the batch."""

from typing import Any, NamedTuple

import tensorflow as tf


class Triplets(NamedTuple):
    """One negative for each pair of an anchor and a positive.

    Attributes:
        negative: int32 (batch, batch): for the anchor i and the positive j the row of
            the negative; of no meaning where there is no triplet.
        is_triplet: bool (batch, batch): whether i and j are two images of one identity,
            and the batch has another identity.
    """

    negative: tf.Tensor
    is_triplet: tf.Tensor


def squared_distances(embeddings: tf.Tensor) -> tf.Tensor:
    """Computes the squared Euclidean distances of all pairs.

    Args:
        embeddings: float32 (batch, d).

    Returns:
        float32 (batch, batch), at least 0.
    """
    squares = tf.reduce_sum(tf.square(embeddings), axis=1)
    products = tf.matmul(embeddings, embeddings, transpose_b=True)
    return tf.maximum(squares[:, None] - 2 * products + squares, 0.0)


def mine_semi_hard(distances: tf.Tensor, label: tf.Tensor) -> Triplets:
    """Finds the hardest negative that is farther from the anchor than the positive.

    Where every negative is as near as the positive or nearer, the farthest negative is
    taken: the hardest ones lead to a collapsed embedding early in training.

    Args:
        distances: float32 (batch, batch), squared; finite.
        label: integers (batch,), an identity each.

    References:
        Schroff et al. 2015, arXiv 1503.03832, section 3.2.
    """
    is_same = label[:, None] == label
    is_anchor = tf.reduce_any(~is_same, axis=1)
    beyond = tf.where(
        is_same, tf.fill(tf.shape(distances), distances.dtype.max), distances
    )
    order = tf.argsort(beyond, axis=1)
    farther = tf.searchsorted(
        tf.gather(beyond, order, batch_dims=1), distances, "right"
    )
    count = tf.reduce_sum(tf.cast(~is_same, tf.int32), axis=1)
    farthest = tf.maximum(count - 1, 0)[:, None]
    negative = tf.gather(order, tf.minimum(farther, farthest), batch_dims=1)
    is_other = ~tf.eye(tf.shape(label)[0], dtype=tf.bool)
    return Triplets(negative, is_same & is_other & is_anchor[:, None])


def semi_hard_triplet_loss(
    label: Any, embeddings: Any, margin: float = 0.2
) -> tf.Tensor:
    """Computes the mean of max(0, d(a, p) - d(a, n) + margin), d the squared distance.

    The mean is over all pairs of an anchor a and a positive p, another image of its
    identity, with the negative n that `mine_semi_hard` finds for them. A batch without
    triplets, of one identity or of one image each, has the loss 0. With fewer than two
    images of every identity there is nothing to learn: see
    `keras_pixelcnn.training.IdentityBatches`.

    Args:
        label: integers (batch,), an identity each.
        embeddings: floats (batch, d), on the unit sphere.
        margin: how much farther a negative shall be, in squared distance; two points of
            the sphere are at most 4 apart. Default 0.2, as in the paper.

    Returns:
        float32 scalar, at least 0 and finite, with finite gradients.

    References:
        Schroff et al. 2015, arXiv 1503.03832, equation 3 and section 3.2.
    """
    embeddings = tf.cast(embeddings, tf.float32)
    distances = squared_distances(embeddings)
    triplets = mine_semi_hard(tf.stop_gradient(distances), tf.convert_to_tensor(label))
    to_negative = tf.gather(distances, triplets.negative, batch_dims=1)
    losses = tf.nn.relu(distances - to_negative + margin)
    weights = tf.cast(triplets.is_triplet, tf.float32)
    return tf.math.divide_no_nan(
        tf.reduce_sum(losses * weights), tf.reduce_sum(weights)
    )
