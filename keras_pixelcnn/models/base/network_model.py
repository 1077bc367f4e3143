"""NetworkModel: what models that are wired by a `Network` share."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
import tensorflow as tf

from keras_pixelcnn import likelihoods
from keras_pixelcnn.layers import ChannelEmbedding, IntensityEncoding
from keras_pixelcnn.layers.color_groups import check_divisible
from keras_pixelcnn.likelihoods import PixelLikelihood
from keras_pixelcnn.models.base.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.base.conditions import Conditions
from keras_pixelcnn.models.base.network import Network
from keras_pixelcnn.models.base.request_validation import (
    check_image_shape,
    check_positive,
)
from keras_pixelcnn.samplers import ChannelSteps, ScanSteps

INPUT_ENCODINGS = ("intensity", "embedding")
DEFAULT_INPUT_EMBEDDING_DIM = 64


class NetworkModel(AutoregressiveImageModel):
    """A model that a `Network` wires from its arguments; see `GatedPixelCNN`.

    A subclass says which network and which steps.

    Args:
        image_shape: (height, width, channels).
        num_levels: pixel values are integers in [0, num_levels).
        likelihood: name of the likelihood, or a dict with its arguments.
        network_arguments: the subclass's own arguments, as its network takes them. Kept
            as attributes, as are those that follow.
        condition_arguments: `num_classes`, `embedding_dim`, `spatial_shape` and
            `condition_dropout`. Default: the model takes no conditions.
        gradient_checkpointing: whether training computes what is inside the blocks
            anew. Default: the subclass has no such argument.
        input_encoding: "intensity" or "embedding".
        input_embedding_dim: length of the vectors of "embedding".
        dtype: dtype policy. Default: Keras's global policy.
        name: the model's name.
        trainable: whether the weights are trained. Default True.

    Raises:
        ValueError: on arguments out of their ranges.
    """

    network_class: ClassVar[type[Network]]
    steps_class: ClassVar[type]
    gradient_checkpointing = False

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_levels: int,
        likelihood: str | Mapping[str, Any],
        network_arguments: Mapping[str, Any],
        *,
        condition_arguments: Mapping[str, Any] | None = None,
        gradient_checkpointing: bool | None = None,
        input_encoding: str = "intensity",
        input_embedding_dim: int | None = None,
        dtype: Any = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        image_shape = check_image_shape(image_shape)
        pixel_likelihood = likelihoods.get(likelihood, num_levels, image_shape[-1])
        network_arguments = self.complete_arguments(network_arguments, pixel_likelihood)
        conditions = _conditions(condition_arguments, dtype)
        network = self.network_class(
            image_shape,
            pixel_likelihood,
            conditions,
            _encoding(pixel_likelihood, input_encoding, input_embedding_dim, dtype),
            **network_arguments,
            dtype=dtype,
        )
        image = keras.Input(image_shape, dtype="int32", name="image")
        inputs = {"image": image, **conditions.keras_inputs()}
        super().__init__(
            inputs=inputs,
            outputs=network(inputs),
            image_shape=image_shape,
            likelihood=pixel_likelihood,
            conditions=conditions,
            dtype=dtype,
            name=name,
            trainable=trainable,
        )
        arguments = {
            **network_arguments,
            "input_encoding": input_encoding,
            "input_embedding_dim": input_embedding_dim,
        }
        if condition_arguments is not None:
            arguments.update(condition_arguments)
            arguments["spatial_shape"] = conditions.shapes.get("spatial")
        if gradient_checkpointing is not None:
            arguments["gradient_checkpointing"] = gradient_checkpointing
        for argument, value in arguments.items():
            setattr(self, argument, value)
        self._argument_names = tuple(arguments)
        self._network = network

    @classmethod
    def complete_arguments(
        cls, arguments: Mapping[str, Any], likelihood: PixelLikelihood
    ) -> dict[str, Any]:
        """Checks the arguments for the network, and fills in what was left out.

        Args:
            arguments: the subclass's own arguments.
            likelihood: what the model's parameters mean.

        Raises:
            ValueError: when one is out of its range.
        """
        raise NotImplementedError

    def call(
        self,
        inputs: Mapping[str, tf.Tensor],
        training: bool | None = None,
        mask: Any = None,
    ) -> tf.Tensor:
        """Runs the whole pass; see the class."""
        if not (training and self.gradient_checkpointing):
            return super().call(inputs, training=training, mask=mask)
        inputs = {
            name: keras.ops.cast(inputs[name], wired.dtype)
            for name, wired in self.input.items()
        }
        return self._network(inputs, training=True, gradient_checkpointing=True)

    def scan_steps(
        self, conditions: Mapping[str, tf.Tensor] | None = None
    ) -> ScanSteps:
        """The model step by step, with the weights as they stand now.

        Args:
            conditions: the model's inputs beside the image, of a batch. Default: none.

        Raises:
            NotImplementedError: when the model cannot; see `has_scan_steps`.
        """
        if not self.has_scan_steps:
            raise NotImplementedError(self.why_no_scan_steps)
        steps = self.steps_class(self, conditions or {})
        if not self.pixel_likelihood.channels_at_once:
            return steps
        return ChannelSteps(steps, self.pixel_likelihood.channel_parameters)

    def multiply_adds(self) -> int:
        """Multiply-adds of one image that the masks leave open; see `flops`."""
        return self._network.multiply_adds(self.input)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "image_shape": self.image_shape,
            "num_levels": self.num_levels,
            "likelihood": self.likelihood,
            **{name: getattr(self, name) for name in self._argument_names},
        }


def complete_filters(
    arguments: Mapping[str, Any], likelihood: PixelLikelihood
) -> dict[str, Any]:
    """Arguments with a number of filters that fits the channels, if there was none.

    Args:
        arguments: of a model, among them `filters` and `head_filters`.
        likelihood: what the model's parameters mean.

    Raises:
        ValueError: when a number of filters does not fit the channels.
    """
    groups, filters = likelihood.color_groups, arguments["filters"]
    if filters is None:
        filters = max(128 // groups, 1) * groups
    check_divisible(filters, groups, "filters")
    if arguments["head_filters"] is not None:
        check_divisible(arguments["head_filters"], groups, "head_filters")
    return {**arguments, "filters": filters}


def _conditions(arguments: Mapping[str, Any] | None, dtype: Any) -> Conditions:
    if arguments is None:
        return Conditions()
    arguments = dict(arguments)
    return Conditions(
        dropout_rate=arguments.pop("condition_dropout"),
        compute_dtype=keras.dtype_policies.get(dtype).compute_dtype,
        **arguments,
    )


def _encoding(
    likelihood: PixelLikelihood,
    input_encoding: str,
    input_embedding_dim: int | None,
    dtype: Any,
) -> keras.layers.Layer:
    """The layer through which images go into a network."""
    if not isinstance(input_encoding, str) or input_encoding not in INPUT_ENCODINGS:
        raise ValueError(
            f"input_encoding must be one of {INPUT_ENCODINGS}. "
            f"Received: input_encoding={input_encoding!r}"
        )
    sizes = (likelihood.num_levels, likelihood.channels)
    if input_encoding == "intensity":
        if input_embedding_dim is not None:
            raise ValueError(
                'input_embedding_dim belongs to input_encoding="embedding". Leave it '
                f"out. Received: input_embedding_dim={input_embedding_dim!r} with "
                f"input_encoding={input_encoding!r}"
            )
        return IntensityEncoding(*sizes, name="encoding")
    if likelihood.name != "categorical":
        raise ValueError(
            'input_encoding="embedding" is for values without an order, such as codes, '
            f'and likelihood="{likelihood.name}" takes them for intensities. Use '
            'likelihood="categorical", or input_encoding="intensity".'
        )
    if input_embedding_dim is None:
        input_embedding_dim = DEFAULT_INPUT_EMBEDDING_DIM
    check_positive("input_embedding_dim", input_embedding_dim)
    num_levels, channels = sizes
    return ChannelEmbedding(
        num_levels, input_embedding_dim, channels, dtype=dtype, name="encoding"
    )
