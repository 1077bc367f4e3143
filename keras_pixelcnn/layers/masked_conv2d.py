"""MaskedConv2D: the masked convolution of the 2016 PixelCNN."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import Shape
from keras_pixelcnn.layers import color_groups as groups
from keras_pixelcnn.layers.stack_conv2d import (
    HorizontalPixelSteps,
    VerticalRowSteps,
    padded_conv2d,
)

_FIXED_ARGUMENTS = ("strides", "padding", "data_format", "dilation_rate", "groups")


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class MaskedConv2D(keras.layers.Conv2D):
    """A convolution that sees only what comes before, in raster order.

    The kernel is multiplied by the mask in every forward pass, so that the layer is
    causal before training, under any training loop and after loading. Stacks of it
    leave a blind spot (paper, figure 1); `VerticalStackConv2D` with
    `HorizontalStackConv2D` does not. Inputs are padded with zeros and keep their size.
    The kernel's rows below the centre would see the future: they are not stored.

    Args:
        filters: number of output features, a multiple of `color_groups`.
        kernel_size: odd integer, the kernel's height and width.
        mask_type: "A" hides a group's own input at the centre (for the first layer),
            "B" shows it (for all others).
        color_groups: number of colour channels whose order is kept. Default 1.
        **kwargs: as for `keras.layers.Conv2D` (`use_bias`, initializers, ...), except
            strides, dilation, padding, groups and data format, which are fixed.

    Call arguments:
        inputs: float tensor (batch, height, width, features), features a multiple of
            `color_groups`.
        training: whether gradients are to come fast; the outputs are the same.

    Returns:
        Float tensor (batch, height, width, filters).

    Raises:
        ValueError: on an unknown mask, an even kernel, or features that the groups
            do not divide.

    References:
        van den Oord et al. 2016, arXiv 1601.06759, section 3.4 and figure 2.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        mask_type: str,
        color_groups: int = 1,
        **kwargs: Any,
    ) -> None:
        fixed = sorted(set(kwargs) & set(_FIXED_ARGUMENTS))
        if fixed:
            raise ValueError(
                "A masked convolution keeps the size of its input and cannot take "
                f"{fixed}. Leave these out."
            )
        groups.check_mask_type(mask_type)
        groups.check_kernel_size(kernel_size)
        groups.check_divisible(filters, color_groups, "filters")
        super().__init__(
            filters,
            kernel_size,
            padding="same",
            data_format="channels_last",
            **kwargs,
        )
        self.mask_type = mask_type
        self.color_groups = color_groups

    def build(self, input_shape: Shape) -> None:
        """Creates the kernel and the mask that closes part of it."""
        features = input_shape[-1]
        groups.check_divisible(features, self.color_groups, "input features")
        kernel_size = self.kernel_size
        half = kernel_size[0] // 2
        self.kernel_size = (half + 1, kernel_size[1])  # of the kernel that is stored
        super().build(input_shape)
        self.kernel_size = kernel_size
        mask = np.zeros(self.kernel.shape, "float32")
        mask[:half] = 1.0
        mask[half, :half] = 1.0
        mask[half, half] = groups.color_group_mask(
            features, self.filters, self.color_groups, self.mask_type
        )
        self.mask = mask

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Runs all pixels at once."""
        half = self.kernel_size[0] // 2
        if not half:
            return super().call(inputs)
        kernel = self._open(tf.convert_to_tensor(self.kernel))
        padding = [[0, 0], [half, 0], [half, half], [0, 0]]
        outputs = padded_conv2d(inputs, kernel, padding, training)
        if self.use_bias:
            outputs += tf.cast(self.bias, outputs.dtype)
        return outputs if self.activation is None else self.activation(outputs)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Convolves with the open part of the kernel (a hook of Conv2D)."""
        return super().convolution_op(inputs, self._open(kernel))

    def _open(self, kernel: Any) -> Any:
        if self.mask.all():
            return kernel
        return kernel * keras.ops.cast(self.mask, kernel.dtype)

    def multiply_adds(self, input_shape: Shape) -> int:
        """Counts the multiply-adds of one image, every open tap at every pixel."""
        _, height, width, _ = input_shape
        return height * width * int(np.count_nonzero(self.mask))

    def row_steps(self) -> "MaskedRowSteps":
        """Returns the layer's row steps, with the weights as they stand.

        For a kernel of size 3 or more.
        """
        bias = tf.cast(self.bias.value, self.compute_dtype) if self.use_bias else None
        return MaskedRowSteps(self.step_kernel(), bias)

    def pixel_steps(self) -> HorizontalPixelSteps:
        """Returns the layer's pixel steps, with the weights as they stand.

        They compute the share of the pixel's own row, from its start to the pixel.
        """
        half = self.kernel_size[0] // 2
        return HorizontalPixelSteps(
            self.step_kernel()[-1, : half + 1], half, self.mask_type, self.color_groups
        )

    def step_kernel(self) -> tf.Tensor:
        """Returns the kernel as it stands, with zeros where the mask closes it.

        Returns:
            Float tensor (kernel_size // 2 + 1, kernel_size, features, filters), in the
            type that the layer computes in.
        """
        return self._open(tf.cast(self.kernel.value, self.compute_dtype))

    def group_steps(self) -> "GroupSteps":
        """Returns the layer's group steps at one pixel, for a kernel of size 1."""
        if self.kernel_size != (1, 1):
            raise ValueError(
                "Only a masked convolution of kernel_size 1 can be run one group at a "
                f"time. Received: kernel_size={self.kernel_size[0]}"
            )
        return GroupSteps([self])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        for fixed in _FIXED_ARGUMENTS:
            del config[fixed]
        config.update(
            kernel_size=self.kernel_size[0],
            mask_type=self.mask_type,
            color_groups=self.color_groups,
        )
        return config


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class MaskedProduct(MaskedConv2D):
    """A 1 x 1 `MaskedConv2D` with mask B, computed as a matrix product.

    CPUs take its gradients faster. Not for what a backward pass computes anew:
    TensorFlow's optimiser of graphs then drops the order between the reading of the
    kernel, which the gradient of the inputs alone needs, and its update.

    Args:
        filters: number of output features, a multiple of `color_groups`.
        color_groups: number of colour channels whose order is kept. Default 1.
        **kwargs: as for `MaskedConv2D`, except the kernel's size and the mask.

    Call arguments:
        inputs: float tensor (batch, height, width, features), features a multiple of
            `color_groups`.
        training: whether gradients are to come fast; the outputs are the same.

    Returns:
        Float tensor (batch, height, width, filters).
    """

    def __init__(self, filters: int, color_groups: int = 1, **kwargs: Any) -> None:
        super().__init__(filters, 1, "B", color_groups, **kwargs)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Multiplies the features of all pixels at once."""
        if not (training and self.use_bias):
            return super().call(inputs)
        # The bias as the weights of a feature that is always 1: then its addition and
        # its gradient come with the products, without two more passes over the outputs.
        kernel = tf.convert_to_tensor(self.kernel)
        bias = tf.cast(self.bias, kernel.dtype)[tf.newaxis]
        kernel = tf.concat([self._open(kernel)[0, 0], bias], axis=0)
        inputs = tf.concat([inputs, tf.ones_like(inputs[..., :1])], axis=-1)
        outputs = keras.ops.matmul(inputs, kernel)
        return outputs if self.activation is None else self.activation(outputs)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Multiplies by the open part of the kernel (a hook of Conv2D)."""
        return keras.ops.matmul(inputs, self._open(kernel)[0, 0])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["kernel_size"], config["mask_type"]
        return config


class MaskedRowSteps:
    """`MaskedConv2D` row by row: the share of the rows above, and that of the row.

    A row is (slices, width, examples, features). The cache is a tuple of the rows above
    that an output sees, oldest first.

    Args:
        kernel: (kernel_size // 2 + 1, kernel_size, features, filters), of static shape
            and with zeros where the mask closes it.
        bias: (filters,). Default: none.
    """

    def __init__(self, kernel: tf.Tensor, bias: tf.Tensor | None) -> None:
        self.num_rows = kernel.shape[0] - 1
        self._features = kernel.shape[2]
        self._above = VerticalRowSteps(kernel[:-1], bias)
        self._along = tf.expand_dims(kernel[-1, : self.num_rows + 1], 1)

    def initial_cache(
        self, num_slices: tf.Tensor, width: int, batch_size: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """Zeros above the image."""
        shape = [num_slices, width, batch_size, self._features]
        return (tf.zeros(shape, self._along.dtype),) * self.num_rows

    def above(self, cache: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Computes what the rows above add, (slices, width, examples, filters)."""
        outputs, _ = self._above(cache[-1], cache[:-1])
        return outputs

    def along(self, row: tf.Tensor) -> tf.Tensor:
        """Computes what a row adds to itself, (slices, width, examples, filters)."""
        padding = [[0, 0], [self.num_rows, 0], [0, 0], [0, 0]]
        return tf.nn.conv2d(row, self._along, 1, padding)


class PointwiseSteps:
    """A `MaskedConv2D` of kernel size 1 on rows, (slices, width, examples, features).

    Args:
        layer: a built layer, whose weights are read once.
    """

    def __init__(self, layer: MaskedConv2D) -> None:
        self._kernel = layer.step_kernel()
        self._bias = tf.cast(layer.bias.value, layer.compute_dtype)

    def __call__(self, row: tf.Tensor) -> tf.Tensor:
        """Runs one row."""
        outputs = tf.nn.conv2d(row, self._kernel, 1, "VALID")
        return tf.nn.bias_add(outputs, self._bias)


class GroupSteps:
    """1x1 masked convolutions, one colour group at a time, their outputs summed.

    Holds the weights as they stand when it is made, cut to what each group sees: one
    matrix product a group serves all the layers.

    Args:
        layers: built `MaskedConv2D` layers of kernel size 1 and mask B, with the same
            filters and number of groups.
    """

    def __init__(self, layers: Sequence[MaskedConv2D]) -> None:
        self.kernels, self._negative_biases = [], []
        num_groups = layers[0].color_groups
        width = layers[0].filters // num_groups
        for group in range(num_groups):
            own = slice(group * width, (group + 1) * width)
            kernels, biases = [], []
            for layer in layers:
                kernel = tf.cast(layer.kernel.value, layer.compute_dtype)[0, 0]
                seen = groups.visible_features(
                    kernel.shape[0], num_groups, group, layer.mask_type
                )
                kernels.append(kernel[:seen, own])
                if layer.use_bias:
                    bias = tf.cast(layer.bias.value, layer.compute_dtype)
                    biases.append(bias[own])
            self.kernels.append(tf.concat(kernels, axis=0))
            # Subtracted: TensorFlow would fuse a product and the addition of a bias,
            # which on CPUs costs a small product more than it saves.
            self._negative_biases.append(-tf.add_n(biases) if biases else None)

    def __call__(self, *inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Computes the output of the last colour group whose inputs are given.

        Args:
            *inputs: for each layer the input features of groups 0 to k, each
                (batch, features / groups).

        Returns:
            Group k's output, (batch, filters / groups).
        """
        group = len(inputs[0]) - 1
        seen = [features for layer_inputs in inputs for features in layer_inputs]
        seen = tf.concat(seen, axis=-1) if len(seen) > 1 else seen[0]
        kernel, negative_bias = self.kernels[group], self._negative_biases[group]
        outputs = tf.matmul(tf.cast(seen, kernel.dtype), kernel)
        return outputs if negative_bias is None else outputs - negative_bias
