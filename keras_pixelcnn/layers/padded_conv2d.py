"""A convolution with padding of its own, and gradients that are as fast as it is."""

from collections.abc import Callable, Sequence

import tensorflow as tf


def padded_conv2d(
    inputs: tf.Tensor, kernel: tf.Tensor, padding: Sequence[Sequence[int]]
) -> tf.Tensor:
    """Convolves with stride 1; the gradients are the same, computed in another way.

    TensorFlow's own gradients have no fast kernels on CPUs where the padding is
    explicit. Here that of the inputs is a convolution with the kernel turned round,
    which needs neither a padded copy nor a crop, and that of the kernel is taken on
    inputs that are padded first. For training alone: TensorFlow never forgets a
    gradient that was defined in a graph, nor the weights in it.

    Args:
        inputs: float tensor (batch, height, width, features).
        kernel: float tensor (height, width, features, filters), of static shape.
        padding: zeros before and after each axis, as for `tf.pad`.

    Returns:
        Float tensor (batch, height, width, filters), of the size that the padding
        leaves.
    """
    height, width, _, _ = kernel.shape
    turned_padding = [
        [0, 0],
        [height - 1 - zeros for zeros in padding[1]],
        [width - 1 - zeros for zeros in padding[2]],
        [0, 0],
    ]
    if min(map(min, turned_padding)) < 0:  # the inputs' gradient would be cropped
        return tf.nn.conv2d(tf.pad(inputs, padding), kernel, 1, "VALID")

    @tf.custom_gradient
    def convolve(
        inputs: tf.Tensor, kernel: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            turned = tf.transpose(tf.reverse(kernel, axis=[0, 1]), [0, 1, 3, 2])
            of_kernel = tf.raw_ops.Conv2DBackpropFilter(
                input=tf.pad(inputs, padding),
                filter_sizes=kernel.shape.as_list(),
                out_backprop=upstream,
                strides=[1, 1, 1, 1],
                padding="VALID",
            )
            return tf.nn.conv2d(upstream, turned, 1, turned_padding), of_kernel

        return tf.nn.conv2d(inputs, kernel, 1, padding), gradient

    return convolve(inputs, kernel)
