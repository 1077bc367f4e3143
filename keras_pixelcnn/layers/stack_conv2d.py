"""The two convolutions of the Gated PixelCNN, padded and cropped instead of masked.

A masked k x k convolution is split into one over the rows above and one along the row
(paper, section 2.2 and figure 1, right). Both kernels hold only taps that are open, so
that nothing is multiplied by a zero of a spatial mask. Each layer stands here with its
second face: the same weights run row by row, or pixel by pixel, with a cache.

Type A is for the image itself, type B for features:

    VerticalStackConv2D          HorizontalStackConv2D
    A: o o o    B: o o o         A: o .    B: o x
       . . .       x x x
    o: seen; x: seen, of the output's own row or pixel; .: its own, and not seen.
    The vertical stack's features of a row describe the rows above it, so that its type
    B may see its own row.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import Shape, sizes_of
from keras_pixelcnn.layers import color_groups as groups

RowConditioning = Callable[[tf.Tensor, int], tf.Tensor]
"""Maps the index of a row and a number of rows to their conditioning."""


def padded_conv2d(
    inputs: tf.Tensor,
    kernel: tf.Tensor,
    padding: Sequence[Sequence[int]],
    training: bool | None = True,
) -> tf.Tensor:
    """Convolves padded inputs with stride 1; gradients of training are fast on CPUs.

    They are the same as TensorFlow's own, which have no fast kernels on CPUs where the
    padding is explicit. Here that of the inputs is a convolution with the kernel
    turned round, which needs neither a padded copy nor a crop, and that of the kernel
    is taken on inputs that are padded first. In training alone: TensorFlow never
    forgets a gradient that was defined in a graph, nor the weights in it.

    Args:
        inputs: float tensor (batch, height, width, features).
        kernel: float tensor (height, width, features, filters), of static shape.
        padding: zeros before and after each axis, as for `tf.pad`.
        training: whether gradients are to come fast. Default True.

    Returns:
        Float tensor (batch, height, width, filters), of the size that the padding
        leaves.
    """
    if not training:
        return tf.nn.conv2d(inputs, kernel, 1, padding)
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


class _StackConv2D(keras.layers.Layer):
    """The arguments, the weights and the config of the two stacks."""

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        mask_type: str,
        color_groups: int = 1,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        groups.check_mask_type(mask_type)
        groups.check_kernel_size(kernel_size, smallest=3 if mask_type == "A" else 1)
        groups.check_divisible(filters, color_groups, "filters")
        super().__init__(**kwargs)
        self.input_spec = keras.InputSpec(ndim=4)
        self.filters = filters
        self.kernel_size = kernel_size
        self.mask_type = mask_type
        self.color_groups = color_groups
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def _add_weights(self, height: int, width: int, features: int) -> None:
        groups.check_divisible(features, self.color_groups, "input features")
        self.kernel = self.add_weight(
            name="kernel",
            shape=(height, width, features, self.filters),
            initializer=self.kernel_initializer,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer=self.bias_initializer
            )

    def _convolve(
        self,
        inputs: tf.Tensor,
        kernel: tf.Tensor,
        padding: Sequence[Sequence[int]],
        training: bool | None,
    ) -> tf.Tensor:
        outputs = padded_conv2d(inputs, kernel, padding, training)
        if self.bias is None:
            return outputs
        # Added: the gradient of `bias_add` would be fused with that of the kernel,
        # which takes CPUs longer than both.
        return outputs + tf.cast(self.bias, outputs.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the input's shape with `filters` features."""
        return (*input_shape[:-1], self.filters)

    def multiply_adds(self, input_shape: Shape) -> int:
        """Counts the multiply-adds of one image, every open tap at every pixel."""
        _, height, width, _ = input_shape
        open_weights = math.prod(self.kernel.shape) - self._closed_weights()
        return height * width * open_weights

    def _closed_weights(self) -> int:
        """Counts the weights that a mask sets to zero."""
        return 0

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        initializers = keras.initializers
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "mask_type": self.mask_type,
            "color_groups": self.color_groups,
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class VerticalStackConv2D(_StackConv2D):
    """A convolution over the rows above: k // 2 rows of k taps, one more for type B.

    Type A on the image gives features of a row that depend on the rows above it only.
    Type B on such features may then include its own row. The shift down thus happens
    once, in the first layer, and no wedge of the past stays unseen.

    Args:
        filters: number of output features.
        kernel_size: odd integer k, at least 3 for type A.
        mask_type: "A" for the image, "B" for features of this stack.
        use_bias: whether a bias is added. Default True.
        kernel_initializer: default "glorot_uniform".
        bias_initializer: default "zeros".

    Call arguments:
        inputs: float tensor (batch, height, width, features).
        training: whether gradients are to come fast; the outputs are the same.

    Returns:
        Float tensor (batch, height, width, filters).

    References:
        van den Oord et al. 2016, arXiv 1606.05328, section 2.2.
    """

    def __init__(
        self, filters: int, kernel_size: int, mask_type: str, **kwargs: Any
    ) -> None:
        # Complete rows hold all channels, so that their order is of no concern here.
        super().__init__(filters, kernel_size, mask_type, color_groups=1, **kwargs)

    def build(self, input_shape: Shape) -> None:
        """Creates the cropped kernel."""
        height = self.kernel_size // 2 + (self.mask_type == "B")
        self._add_weights(height, self.kernel_size, input_shape[-1])
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Runs all rows at once."""
        half = self.kernel_size // 2
        if self.mask_type == "A":
            inputs = inputs[:, :-1]
        padding = [[0, 0], [half, 0], [half, half], [0, 0]]
        return self._convolve(
            inputs, tf.convert_to_tensor(self.kernel), padding, training
        )

    def row_steps(self) -> "VerticalRowSteps":
        """Returns the layer's row steps, with the weights as they stand."""
        return VerticalRowSteps(
            tf.cast(self.kernel.value, self.compute_dtype),
            None if self.bias is None else tf.cast(self.bias.value, self.compute_dtype),
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["color_groups"]
        return config


def as_row(features: tf.Tensor, num_slices: Any, batch_size: Any) -> tf.Tensor:
    """Reshapes (slices x examples, 1, width, n) to (slices, width, examples, n).

    What is one for all examples stays that: (1, 1, width, n) becomes (1, width, 1, n).
    """
    if features.shape[0] == 1:
        num_slices = batch_size = 1
    shape = [num_slices, batch_size, *features.shape[2:]]
    return tf.transpose(tf.reshape(features, shape), [0, 2, 1, 3])


def rows_before(values: tf.Tensor, num_rows: tf.Tensor, count: int) -> tf.Tensor:
    """Returns the last of the first `num_rows` rows, zeros where these are too few.

    Args:
        values: (batch, height, width, n).
        num_rows: int32, from 0 to the height.
        count: of the rows returned.

    Returns:
        (batch, count, width, n).
    """
    padded = tf.pad(values, [[0, 0], [count, 0], [0, 0], [0, 0]])
    return tf.gather(padded, num_rows + tf.range(count), axis=1)


def as_rows(rows: tf.Tensor, num_slices: Any, batch_size: Any) -> tuple[tf.Tensor, ...]:
    """Splits (slices x examples, n, width, f) by rows: (slices, width, examples, f)."""
    shape = [num_slices, batch_size, *rows.shape[1:]]
    return tuple(tf.unstack(tf.transpose(tf.reshape(rows, shape), [2, 0, 3, 1, 4])))


def by_group(row: tf.Tensor, color_groups: int) -> tf.Tensor:
    """Splits a row's features into colour groups, for steps that take one at a time.

    Args:
        row: (slices, width, examples, features).
        color_groups: into how many groups the features are dealt out.

    Returns:
        (slices, width, groups, examples, features / groups); with one group the row.
    """
    if color_groups == 1:
        return row
    *position, _ = sizes_of(row)
    shape = [*position, color_groups, row.shape[-1] // color_groups]
    return tf.transpose(tf.reshape(row, shape), [0, 1, 3, 2, 4])


class VerticalRowSteps:
    """A convolution over rows, one at a time; the cache holds the rows before.

    A row is (slices, width, examples, features): a batch in slices, whose pixels lie
    in one piece for whoever reads them one by one. The cache is a tuple of rows.

    Args:
        kernel: (height, width, features, filters), of static shape and odd width; the
            last of its rows is for the newest row.
        bias: (filters,). Default: none.
    """

    def __init__(self, kernel: tf.Tensor, bias: tf.Tensor | None = None) -> None:
        self._kernel = kernel
        height, width, features, filters = self._kernel.shape
        self._features = features
        # The rows that an output sees stand side by side, as features of one row.
        by_column = tf.transpose(self._kernel, [1, 0, 2, 3])
        self._row_kernel = tf.reshape(by_column, [width, 1, height * features, filters])
        self._bias = tf.zeros([filters], kernel.dtype) if bias is None else bias

    def initial_cache(
        self, num_slices: tf.Tensor, width: int, batch_size: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """Zeros above the image: as many rows as the kernel's height less one."""
        shape = [num_slices, width, batch_size, self._features]
        return (tf.zeros(shape, self._kernel.dtype),) * (self.height - 1)

    def __call__(
        self, row: tf.Tensor, cache: tuple[tf.Tensor, ...]
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        """Runs one row.

        Args:
            row: the newest row that the output sees, (slices, width, examples,
                features): for type A the row above the output's (zeros for the first),
                for type B its own.
            cache: the rows before that.

        Returns:
            The output row (slices, width, examples, filters), and the cache for the
            next one.
        """
        rows = (*cache, row)
        half = self._row_kernel.shape[0] // 2
        outputs = tf.nn.conv2d(
            tf.concat(rows, axis=-1),
            self._row_kernel,
            strides=1,
            padding=[[0, 0], [half, half], [0, 0], [0, 0]],
        )
        return tf.nn.bias_add(outputs, self._bias), rows[1:]

    def rows(self, rows: tf.Tensor) -> tf.Tensor:
        """Runs all output rows that a window of input rows suffices for.

        Args:
            rows: (batch, n, width, features), n at least the kernel's height.

        Returns:
            (batch, n - kernel height + 1, width, filters): the last output row is that
            of the last input row.
        """
        half = self._kernel.shape[1] // 2
        outputs = tf.nn.conv2d(
            rows,
            self._kernel,
            strides=1,
            padding=[[0, 0], [0, 0], [half, half], [0, 0]],
        )
        return tf.nn.bias_add(outputs, self._bias)

    @property
    def height(self) -> int:
        """Number of input rows that an output row sees: the cache's and the newest."""
        return self._kernel.shape[0]


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class HorizontalStackConv2D(_StackConv2D):
    """A masked convolution along the row: k // 2 taps to the left, and the pixel.

    At the pixel itself a group of features sees the groups before it (type A, where
    the first of them sees nothing) or those and itself (type B). With one group type A
    has no tap there at all: `call` crops the row. With several, the closed part of that
    one tap is masked.

    Args:
        filters: number of output features, a multiple of `color_groups`.
        kernel_size: odd integer k, at least 3 for type A.
        mask_type: "A" for the image, "B" for features of this stack.
        color_groups: number of colour channels whose order is kept. Default 1.
        use_bias: whether a bias is added. Default True.
        kernel_initializer: default "glorot_uniform".
        bias_initializer: default "zeros".

    Call arguments:
        inputs: float tensor (batch, height, width, features), features a multiple of
            `color_groups`.
        training: whether gradients are to come fast; the outputs are the same.

    Returns:
        Float tensor (batch, height, width, filters).

    References:
        van den Oord et al. 2016, arXiv 1606.05328, section 2.2.
    """

    def build(self, input_shape: Shape) -> None:
        """Creates the cropped kernel."""
        self._sees_own_pixel = self.mask_type == "B" or self.color_groups > 1
        width = self.kernel_size // 2 + self._sees_own_pixel
        self._add_weights(1, width, input_shape[-1])
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Runs all pixels at once."""
        if not self._sees_own_pixel:  # with the padding the row moves by a pixel
            inputs = inputs[:, :, :-1]
        padding = [[0, 0], [0, 0], [self.kernel_size // 2, 0], [0, 0]]
        kernel = tf.convert_to_tensor(self.kernel)
        if self.color_groups > 1:
            mask = tf.cast(self._own_pixel_mask(), kernel.dtype)[tf.newaxis, tf.newaxis]
            before = [[0, 0], [kernel.shape[1] - 1, 0], [0, 0], [0, 0]]
            kernel *= tf.pad(mask, before, constant_values=1)
        return self._convolve(inputs, kernel, padding, training)

    def _own_pixel_mask(self) -> np.ndarray:
        return groups.color_group_mask(
            self.kernel.shape[2], self.filters, self.color_groups, self.mask_type
        )

    def _closed_weights(self) -> int:
        if not self._sees_own_pixel:
            return 0
        return int(np.count_nonzero(self._own_pixel_mask() == 0))

    def pixel_steps(self) -> "HorizontalPixelSteps":
        """Returns the layer's pixel steps, with the weights as they stand."""
        return HorizontalPixelSteps(
            tf.cast(self.kernel.value, self.compute_dtype)[0],
            self.kernel_size // 2,
            self.mask_type,
            self.color_groups,
        )


class HorizontalPixelSteps:
    """A convolution along a row, one pixel and one group at a time, without a bias.

    The bias is left out because whoever drives the steps adds it once a row.

    Args:
        kernel: (taps, features, filters), of static shape: the taps to the left,
            oldest first, then the pixel's own, which may be left out where no group
            sees it.
        num_taps: number of taps to the left.
        mask_type: what a group sees of its own pixel, "A" or "B".
        color_groups: number of colour channels whose order is kept.
    """

    def __init__(
        self, kernel: tf.Tensor, num_taps: int, mask_type: str, color_groups: int
    ) -> None:
        self.num_taps = num_taps
        _, features, filters = kernel.shape
        self.features = features
        self._groups_before_first = 1 if mask_type == "B" else 0
        kernel = tf.reshape(kernel, [-1, filters])
        width = filters // color_groups
        self.kernels = []
        for group in range(color_groups):
            seen = num_taps * features + groups.visible_features(
                features, color_groups, group, mask_type
            )
            self.kernels.append(kernel[:seen, group * width : (group + 1) * width])

    def __call__(
        self, inputs: Sequence[tf.Tensor], left: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """Computes the output of the next colour group; `inputs` tells which it is.

        Args:
            inputs: the pixel's input features that the group sees, group by group,
                each (batch, features / groups).
            left: the `num_taps` pixels to the left, oldest first, each (batch,
                features), or several of them in one tensor; zeros beyond the edge.

        Returns:
            (batch, filters / groups).
        """
        kernel = self.kernels[len(inputs) - self._groups_before_first]
        seen = (*left, *inputs)
        window = tf.concat(seen, axis=-1) if len(seen) > 1 else seen[0]
        return tf.matmul(window, kernel)


class LeftPixels(NamedTuple):
    """The cache of the horizontal stack: what the pixels to the left hold."""

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
        """Splits them by convolution; see `HorizontalPixelSteps`."""
        taps = [tf.unstack(tap) for tap in self.features]
        others = list(zip(*taps, strict=True)) or [()] * (num_convolutions - 1)
        return [(self.image,), *others]

    def shifted(
        self,
        pixel: Sequence[tf.Tensor],
        features: Sequence[Sequence[tf.Tensor]],
    ) -> "LeftPixels":
        """Moves on by one pixel.

        Args:
            pixel: the channels of the pixel at hand, encoded, (batch, n), together
                the features of a pixel.
            features: what the other convolutions take at the pixel, group by group,
                each (batch, features / groups).
        """
        encoded = tf.concat(pixel, axis=-1)
        image = tf.concat([self.image[:, encoded.shape[1] :], encoded], axis=-1)
        if not self.features:
            return LeftPixels(image, ())
        groups = [tf.stack(group) for group in zip(*features, strict=True)]
        newest = tf.concat(groups, axis=-1) if len(groups) > 1 else groups[0]
        return LeftPixels(image, (*self.features[1:], newest))
