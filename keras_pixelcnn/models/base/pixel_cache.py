"""The pixels to the left of the one at hand, for networks that run pixel by pixel."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf


class LeftPixels(NamedTuple):
    """What lies left of the pixel at hand. Few tensors: each costs a loop time."""

    image: tf.Tensor
    """The pixels that the first convolution sees, oldest first, (batch, taps x
    features)."""
    features: tuple[tf.Tensor, ...]
    """For each tap of the other convolutions, oldest first, their inputs:
    (convolutions - 1, batch, features)."""

    @classmethod
    def at_the_edge(
        cls, convolutions: Sequence[Any], batch_size: tf.Tensor, dtype: str
    ) -> "LeftPixels":
        """Zeros left of a row's first pixel.

        Args:
            convolutions: the steps of the first convolution and of the others, which
                are alike, with `num_taps` and `features`.
            batch_size: number of examples.
            dtype: of the features.
        """
        first, *others = convolutions
        image = tf.zeros([batch_size, first.num_taps * first.features], dtype)
        if not others:
            return cls(image, ())
        shape = [len(others), batch_size, others[0].features]
        return cls(image, (tf.zeros(shape, dtype),) * others[0].num_taps)

    def of_each(self, num_convolutions: int) -> list[tuple[tf.Tensor, ...]]:
        """What each convolution sees; see `HorizontalPixelSteps`."""
        taps = [tf.unstack(tap) for tap in self.features]
        others = list(zip(*taps, strict=True)) or [()] * (num_convolutions - 1)
        return [(self.image,), *others]

    def shifted(
        self,
        pixel: Sequence[tf.Tensor],
        features: Sequence[Sequence[tf.Tensor]],
    ) -> "LeftPixels":
        """The same for the next pixel.

        Args:
            pixel: the channels of the pixel at hand, encoded, (batch, n), together
                the features of a pixel.
            features: what the other convolutions take at the pixel, group by group,
                each (batch, features / groups).
        """
        pixel = tf.concat(pixel, axis=-1)
        image = tf.concat([self.image[:, pixel.shape[1] :], pixel], axis=-1)
        if not self.features:
            return LeftPixels(image, ())
        groups = [tf.stack(group) for group in zip(*features, strict=True)]
        newest = tf.concat(groups, axis=-1) if len(groups) > 1 else groups[0]
        return LeftPixels(image, (*self.features[1:], newest))
