"""What all networks share: from a model's inputs in, to its parameters out."""

import math
from collections.abc import Mapping
from typing import Any

import keras

from keras_pixelcnn.layers.conditioning import ConditionEncoder
from keras_pixelcnn.layers.masked_conv2d import MaskedProduct
from keras_pixelcnn.likelihoods import PixelLikelihood
from keras_pixelcnn.models.base.conditions import Conditions


class Network:
    """From a model's inputs to the parameters of its likelihood, but for the middle.

    One wiring for both ways of training: the functional model is this on symbolic
    inputs, and with recomputation a training step runs it anew. A subclass makes the
    layers of the middle and overrides `run` and `middle_multiply_adds`.

    Args:
        image_shape: (height, width, channels).
        conditions: which conditions there are.
        encoding: the layer that encodes images, of the name "encoding".
        map_filters: features that a spatial map is brought to.
        dtype: dtype policy of the layers. Default: Keras's global policy.
    """

    parameters: MaskedProduct

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        conditions: Conditions,
        encoding: keras.layers.Layer,
        *,
        map_filters: int,
        dtype: Any = None,
    ) -> None:
        self.encoding = encoding
        self._image_size = image_shape[:2]
        self.condition_encoder = None
        if conditions.names or conditions.positions:
            self.condition_encoder = ConditionEncoder(
                self._image_size,
                conditions.num_classes,
                map_filters=map_filters,
                dropout_rate=conditions.dropout_rate,
                vector_map=conditions.vector_map,
                positions=conditions.positions,
                dtype=dtype,
                name="condition_encoder",
            )

    def add_parameters(self, likelihood: PixelLikelihood) -> None:
        """Adds the last layers, which come to be after all others.

        So they keep the initial weights that a seed gives.
        """
        # Likelihoods stay exact under mixed precision.
        self.parameters = MaskedProduct(
            math.prod(likelihood.pixel_shape),
            likelihood.color_groups,
            name="parameters",
            dtype="float32",
        )
        self._by_pixel = keras.layers.Reshape(
            (*self._image_size, *likelihood.pixel_shape), dtype="float32"
        )

    def __call__(
        self,
        inputs: Mapping[str, Any],
        training: bool | None = None,
        gradient_checkpointing: bool = False,
    ) -> Any:
        """Runs the whole pass.

        Args:
            inputs: images (batch, height, width, channels) as "image", and the
                conditions by their names; symbolic ones wire the functional model.
            training: whether dropout is on.
            gradient_checkpointing: whether the backward pass computes what is inside
                the blocks anew, instead of keeping it.

        Returns:
            The likelihood's parameters, float32 (batch, height, width, *pixel_shape).
        """
        features = {}
        if self.condition_encoder is not None:
            # The image beside them: a symbolic layer needs an input, whatever it reads.
            features = self.condition_encoder(dict(inputs), training=training)
        image = self.encoding(inputs["image"])
        outputs = self.run(image, features, training, gradient_checkpointing)
        return self._by_pixel(self.parameters(outputs))

    def run(
        self,
        image: Any,
        features: Mapping[str, Any],
        training: bool | None,
        gradient_checkpointing: bool,
    ) -> Any:
        """From the encoded image to what the layer of the parameters takes.

        Args:
            image: float tensor (batch, height, width, features).
            features: what the condition encoder returns; {} without conditions.
            training: whether dropout is on.
            gradient_checkpointing: as for a call.
        """
        raise NotImplementedError

    def multiply_adds(self, inputs: Mapping[str, keras.KerasTensor]) -> int:
        """Multiply-adds of one image that the masks leave open.

        Looking a vector up in a table is none.

        Args:
            inputs: symbolic inputs by name, as for a call.
        """
        image_shape = tuple(self.encoding.compute_output_shape(inputs["image"].shape))
        last = (*image_shape[:-1], self.parameters.kernel.shape[-2])
        total = self.parameters.multiply_adds(last)
        features = {}
        if self.condition_encoder is not None:
            given = {name: tensor.shape for name, tensor in inputs.items()}
            total += self.condition_encoder.multiply_adds(given)
            features = self.condition_encoder.compute_output_spec(inputs)
            features = {name: tensor.shape for name, tensor in features.items()}
        return total + self.middle_multiply_adds(image_shape, features)

    def middle_multiply_adds(
        self,
        image_shape: tuple[int | None, ...],
        features: Mapping[str, tuple[int | None, ...]],
    ) -> int:
        """Those of one image between the encoded image and the parameters.

        Args:
            image_shape: of the encoded images, (batch, height, width, features).
            features: shapes of what the condition encoder returns, {} without it.
        """
        raise NotImplementedError
