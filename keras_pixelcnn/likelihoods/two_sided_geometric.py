"""TwoSidedGeometric: levels that are rarer the farther they are from a centre."""

from collections.abc import Sequence

import tensorflow as tf

from keras_pixelcnn.likelihoods.categorical import Categorical
from keras_pixelcnn.likelihoods.pixel_likelihood import PixelLikelihood

_NARROWEST = 0.05
"""The least width: beyond the centre's nearest level next to nothing is left."""


class TwoSidedGeometric(PixelLikelihood):
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
    channels_at_once = False

    def __init__(self, num_levels: int, channels: int = 1) -> None:
        super().__init__(num_levels, channels)
        self._softmax = Categorical(num_levels, channels)

    @property
    def pixel_shape(self) -> tuple[int, int]:
        """A centre and a width for each channel: (channels, 2)."""
        return self.channels, 2

    def logits(self, parameters: tf.Tensor) -> tf.Tensor:
        """Computes logits of all levels.

        Args:
            parameters: float tensor (..., 2): the logit of the centre as a share of the
                range of levels, and what softplus makes the width of.

        Returns:
            float32 tensor (..., num_levels).
        """
        self.check_shape("parameters", parameters, [2])
        centre, width = tf.split(tf.cast(parameters, tf.float32), 2, axis=-1)
        centre = (self.num_levels - 1) * tf.sigmoid(centre)
        levels = tf.range(self.num_levels, dtype=tf.float32)
        return -tf.abs(levels - centre) / (_NARROWEST + tf.nn.softplus(width))

    def log_prob(self, parameters: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        """Computes the log probability of each value.

        Args:
            parameters: float tensor (..., 2).
            values: tensor (...) of integers in [0, num_levels), of any type.

        Returns:
            float32 tensor (...), in nats; -inf for values that are no level.
        """
        return self._softmax.log_prob(self.logits(parameters), values)

    def image_log_prob(self, parameters: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
        """Computes the log probability of each image; see `PixelLikelihood`."""
        return tf.reduce_sum(self.log_prob(parameters, image), axis=[1, 2, 3])

    def value_log_prob(self, parameters: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
        """Computes the log probability of each value; see `PixelLikelihood`."""
        return self.log_prob(parameters, image)

    def channel_parameters(
        self, parameters: tf.Tensor, values_before: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """Returns centre and width of the next channel; see `PixelLikelihood`."""
        return parameters[:, len(values_before)]

    def level_weights(self, parameters: tf.Tensor) -> tf.Tensor:
        """Computes weights, the highest as 1; see `PixelLikelihood`."""
        return self._softmax.level_weights(self.logits(parameters))

    def sample(
        self,
        parameters: tf.Tensor,
        uniforms: tf.Tensor,
        temperature: tf.Tensor,
        top_p: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Samples values, of a width that is tempered; see `PixelLikelihood`."""
        logits = self.logits(parameters)
        return self._softmax.sample(logits, uniforms, temperature, top_p)

    def sample_guided(
        self,
        conditional: tf.Tensor,
        unconditional: tf.Tensor,
        scale: tf.Tensor,
        uniforms: tf.Tensor,
        temperature: tf.Tensor,
        top_p: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Samples by guidance of the levels' logits; see `PixelLikelihood`."""
        return self._softmax.sample_guided(
            self.logits(conditional),
            self.logits(unconditional),
            scale,
            uniforms,
            temperature,
            top_p,
        )
