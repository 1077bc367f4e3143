"""TwoSidedGeometric: levels that are rarer the farther they are from a centre."""

import tensorflow as tf

from keras_pixelcnn.likelihoods.categorical import Categorical

_NARROWEST = 0.05
"""The least width: beyond the centre's nearest level next to nothing is left."""


class TwoSidedGeometric(Categorical):
    """Level k has a probability in proportion to exp(-|k - centre| / width).

    The discrete relative of the Laplace distribution, cut at the ends of the levels. It
    has two numbers where a softmax has one for each level, and knows that levels have
    an order: for few images of many levels. It has a single peak.

    Args:
        num_levels: number of values, 2 to 65,536.
        channels: channels of a pixel. Default 1.

    References:
        Inusah and Kozubowski 2006, "A discrete analogue of the Laplace distribution",
        Journal of Statistical Planning and Inference 136(3).
    """

    name = "two_sided_geometric"
    orders_levels = True

    @property
    def pixel_shape(self) -> tuple[int, int]:
        """A centre and a width for each channel: (channels, 2)."""
        return self.channels, 2

    def logits(self, parameters: tf.Tensor) -> tf.Tensor:
        """Computes the logits of all levels.

        Args:
            parameters: float tensor (..., 2): the logit of the centre as a share of the
                range of levels, and what softplus makes the width of.

        Returns:
            float32 tensor (..., num_levels).
        """
        parameters = tf.cast(parameters, tf.float32)
        self.check_shape("parameters", parameters, [2])
        centre, width = tf.split(parameters, 2, axis=-1)
        centre = (self.num_levels - 1) * tf.sigmoid(centre)
        levels = tf.range(self.num_levels, dtype=tf.float32)
        return -tf.abs(levels - centre) / (_NARROWEST + tf.nn.softplus(width))
