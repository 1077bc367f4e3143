"""Conditions are encoded once and added to the gates of every block."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import Shape
from keras_pixelcnn.layers.caption_encoder import CaptionEncoder
from keras_pixelcnn.layers.dropout import draw_kept, draw_seed
from keras_pixelcnn.layers.spatial_upsampling import SpatialUpsampling
from keras_pixelcnn.layers.vector_map import (
    NUM_POSITION_FEATURES,
    VectorMap,
    position_features,
)

_MAPPED_VECTORS = ("label", "embedding")
_VECTORS = (*_MAPPED_VECTORS, "caption")


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class ConditionEncoder(keras.layers.Layer):
    """Encodes conditions as features that the blocks project.

    A label becomes its one-hot vector, an embedding stays, a spatial map is brought to
    the image's size by `SpatialUpsampling`, and a caption becomes a vector and a map by
    `CaptionEncoder`. Features of an example without a condition are all zero: then only
    the network's biases act.

    Label and embedding can also go through a small deconvolutional network to a map of
    the image's size, so that they say where and not only what. And the coordinates of
    each pixel can be features, which need no condition.

    Args:
        image_size: (height, width) of the image.
        num_classes: number of labels. Default: there is no label.
        map_filters: features that a spatial map is brought to. Default 32.
        dropout_rate: share of the examples whose whole condition is dropped in
            training, in [0, 1). Default 0.
        seed: of the dropout. Default: drawn at random.
        vector_map: whether label and embedding give a map too. An example without them
            has the map of the biases. Default False.
        positions: whether coordinates are features, as `position_features` gives them.
            Default False.
        vocabulary_size: how many numbers a caption's words can have. Default: there is
            no caption.

    Call arguments:
        inputs: dict of any of "label", integers (batch,) in [0, num_classes), where -1
            is no condition if there is dropout; "embedding", floats (batch, d);
            "spatial", floats (batch, h', w', c'); "caption", integers (batch, length);
            and "has_condition", integers (batch,), 0 for the examples that have none,
            else 1. Others are left aside.
        training: whether dropout is on.

    Returns:
        Dict of floats: "label" (batch, num_classes), NaN where a label is out of
        range; "embedding" (batch, d); "caption" (batch, map_filters); "spatial",
        "caption_map" and "vector_map" (batch, height, width, map_filters); "position"
        (1, height, width, 9).

    References:
        van den Oord et al. 2016, arXiv 1606.05328, section 2.3. Dropping the condition:
        Ho and Salimans 2022, arXiv 2207.12598, section 3.2.
    """

    def __init__(
        self,
        image_size: tuple[int, int],
        num_classes: int | None = None,
        map_filters: int = 32,
        dropout_rate: float = 0.0,
        seed: int | None = None,
        vector_map: bool = False,
        positions: bool = False,
        vocabulary_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        height, width = image_size
        self.image_size = (height, width)
        self.num_classes = num_classes
        self.map_filters = map_filters
        self.dropout_rate = dropout_rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed) if dropout_rate else None
        self.upsampling = SpatialUpsampling(
            image_size, map_filters, dtype=self.dtype_policy, name="upsampling"
        )
        self.vector_map = None
        if vector_map:
            self.vector_map = VectorMap(
                image_size, map_filters, dtype=self.dtype_policy, name="vector_map"
            )
        self.positions = positions
        self.vocabulary_size = vocabulary_size
        self.captions = None
        if vocabulary_size is not None:
            self.captions = CaptionEncoder(
                image_size,
                vocabulary_size,
                map_filters,
                dtype=self.dtype_policy,
                name="captions",
            )

    def build(self, input_shape: Mapping[str, Any]) -> None:
        """Builds what encodes maps and captions, where there are some."""
        if "spatial" in input_shape:
            self.upsampling.build(input_shape["spatial"])
        if "caption" in input_shape:
            self.captions.build(input_shape["caption"])
        if self.vector_map is not None:
            size = self.num_classes if "label" in input_shape else 0
            size += input_shape.get("embedding", (0,))[-1]
            self.vector_map.build((None, size))
        self.built = True

    def call(
        self, inputs: Mapping[str, tf.Tensor], training: bool | None = None
    ) -> dict[str, tf.Tensor]:
        """Encodes the conditions of all examples."""
        features = {}
        if "label" in inputs:
            features["label"] = self._one_hot(inputs["label"])
        if "embedding" in inputs:
            features["embedding"] = inputs["embedding"]
        if "spatial" in inputs:
            features["spatial"] = self.upsampling(inputs["spatial"])
        if "caption" in inputs:
            features |= self.captions(inputs["caption"])
        if self.dropout_rate:
            kept = self._kept(inputs, training)
            for name, value in features.items():
                keeps = tf.reshape(kept, [-1] + [1] * (value.shape.rank - 1))
                # Not multiplied: an example without a condition may hold anything.
                features[name] = tf.where(keeps, value, tf.zeros_like(value))
        if self.vector_map is not None:
            vectors = [features[name] for name in _MAPPED_VECTORS if name in features]
            vectors = [tf.cast(vector, self.compute_dtype) for vector in vectors]
            features["vector_map"] = self.vector_map(tf.concat(vectors, axis=-1))
        if self.positions:
            positions = position_features(self.image_size)[np.newaxis]
            features["position"] = tf.constant(positions, self.compute_dtype)
        return features

    def _one_hot(self, label: tf.Tensor) -> tf.Tensor:
        known = (label >= 0) & (label < self.num_classes)
        if self.dropout_rate:
            known |= tf.equal(label, -1)
        one_hot = tf.one_hot(label, self.num_classes, dtype=self.compute_dtype)
        # A wrong label that no check has seen must not pass for none.
        return tf.where(known[:, tf.newaxis], one_hot, one_hot * float("nan"))

    def _kept(
        self, inputs: Mapping[str, tf.Tensor], training: bool | None
    ) -> tf.Tensor:
        """Tells which examples' condition counts: booleans (batch,)."""
        kept = inputs["has_condition"] > 0
        if "label" in inputs:
            kept &= tf.not_equal(inputs["label"], -1)
        if training:
            seed = draw_seed(self.seed_generator)
            kept &= draw_kept(tf.shape(kept), self.dropout_rate, seed)
        return kept

    def compute_output_spec(
        self, inputs: Mapping[str, Any], training: bool | None = None
    ) -> dict[str, keras.KerasTensor]:
        """Returns the shapes and types of the features."""
        pixels = (*self.image_size, self.map_filters)
        sizes = {"label": (self.num_classes,), "spatial": pixels}
        shapes = {
            name: (inputs[name].shape[0], *sizes.get(name, inputs[name].shape[1:]))
            for name in ("label", "embedding", "spatial")
            if name in inputs
        }
        if "caption" in inputs:
            batch = inputs["caption"].shape[0]
            shapes["caption"] = (batch, self.map_filters)
            shapes["caption_map"] = (batch, *pixels)
        if self.vector_map is not None:
            batch = next(shapes[name][0] for name in _MAPPED_VECTORS if name in shapes)
            shapes["vector_map"] = (batch, *pixels)
        if self.positions:
            shapes["position"] = (1, *self.image_size, NUM_POSITION_FEATURES)
        return {
            name: keras.KerasTensor(shape, dtype=self.compute_dtype)
            for name, shape in shapes.items()
        }

    def multiply_adds(self, *input_shapes: Shape) -> int:
        """Counts the multiply-adds of one image: those of maps and captions.

        Args:
            *input_shapes: of all inputs, the batch first, which does not count.
        """
        maps = [shape for shape in input_shapes if len(shape) == 4]
        total = sum(self.upsampling.multiply_adds(shape) for shape in maps)
        if self.vector_map is not None:
            total += self.vector_map.multiply_adds()
        if self.captions is not None:
            total += self.captions.multiply_adds()
        return total

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "image_size": self.image_size,
            "num_classes": self.num_classes,
            "map_filters": self.map_filters,
            "dropout_rate": self.dropout_rate,
            "seed": self.seed,
            "vector_map": self.vector_map is not None,
            "positions": self.positions,
            "vocabulary_size": self.vocabulary_size,
        }


class DeferredConditioning(NamedTuple):
    """A conditioning whose projection of maps is left to the block that adds it.

    A block that computes its insides twice for the gradient then keeps the maps, which
    all blocks share, and not what they are projected to.
    """

    maps: tuple[tf.Tensor, ...]
    """Each (batch, height, width, n), or of one example for all."""
    kernels: tuple[tf.Tensor, ...]
    """What they are multiplied by, each (n, filters)."""
    everywhere: tf.Tensor
    """The rest, the same at every pixel: (batch, 1, 1, filters)."""


def project(
    conditioning: tf.Tensor | DeferredConditioning | None,
) -> tf.Tensor | None:
    """Returns a conditioning as a block adds it, with its map projected."""
    if not isinstance(conditioning, DeferredConditioning):
        return conditioning
    added = conditioning.everywhere
    for features, kernel in zip(conditioning.maps, conditioning.kernels, strict=True):
        added += tf.matmul(features, kernel)
    return added


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class GateConditioning(keras.layers.Layer):
    """Projects the conditions to what is added to the gates of one block.

    V^T h for vectors h, the same at every pixel, and V * s, an unmasked 1x1
    convolution, for maps s and coordinates; all of them summed.

    Args:
        filters: features that the gates take, of all gates together.
        defers_maps: whether the projection of a map is left to the block, for gradient
            checkpointing. Default False.

    Call arguments:
        features: what a `ConditionEncoder` returns.

    Returns:
        Float tensor that broadcasts to (batch, height, width, filters); a
        `DeferredConditioning` of a map that is deferred.

    References:
        van den Oord et al. 2016, arXiv 1606.05328, equations 4 and 5.
    """

    def __init__(self, filters: int, defers_maps: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.defers_maps = defers_maps
        self.projections = {}

    def build(self, features_shape: Mapping[str, Any]) -> None:
        """Builds one projection for each kind of condition."""
        for name, shape in features_shape.items():
            # The convolution before the gate has the bias.
            projection = keras.layers.Dense(
                self.filters, use_bias=False, name=name, dtype=self.dtype_policy
            )
            projection.build(shape)
            self.projections[name] = projection
        self.built = True

    def call(
        self, features: Mapping[str, tf.Tensor]
    ) -> tf.Tensor | DeferredConditioning:
        """Projects all pixels at once."""
        vectors, maps = _by_kind(features)
        if not (self.defers_maps and maps):
            return self.add_projections(features)
        if vectors:
            everywhere = self.add_projections(vectors)
        else:
            everywhere = tf.zeros([1, 1, 1, self.filters], self.compute_dtype)
        kernels = tuple(
            tf.cast(self.projections[name].kernel, self.compute_dtype) for name in maps
        )
        return DeferredConditioning(tuple(maps.values()), kernels, everywhere)

    def add_projections(self, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Projects some of the features, and adds them up."""
        outputs = [self.projections[name](value) for name, value in features.items()]
        outputs = [
            each[:, tf.newaxis, tf.newaxis] if each.shape.rank == 2 else each
            for each in outputs
        ]
        return sum(outputs[1:], start=outputs[0])

    def row_steps(self, features: Mapping[str, tf.Tensor]) -> "ConditioningRowSteps":
        """Returns the layer's row steps, for the conditions of a batch."""
        return ConditioningRowSteps(self, features)

    def multiply_adds(self, *features_shapes: Shape) -> int:
        """Counts the multiply-adds of one image: vectors once, maps at each pixel.

        Args:
            *features_shapes: of all features, the batch first, which does not count.
        """
        return sum(math.prod(shape[1:]) * self.filters for shape in features_shapes)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "defers_maps": self.defers_maps,
        }


class ConditioningRowSteps:
    """`GateConditioning` some rows at a time.

    Vectors are projected once for the image, maps once for each of their pixels.

    Args:
        layer: a built layer, whose weights are followed.
        features: what a `ConditionEncoder` returns for the batch.
    """

    def __init__(
        self, layer: GateConditioning, features: Mapping[str, tf.Tensor]
    ) -> None:
        self._layer = layer
        vectors, self._maps = _by_kind(features)
        self._everywhere = layer.add_projections(vectors) if vectors else None

    def __call__(self, first_row: tf.Tensor | int, num_rows: int) -> tf.Tensor:
        """Computes what is added in rows `first_row` to `first_row + num_rows - 1`.

        Args:
            first_row: may lie above the image; such rows get those of the first.
            num_rows: number of rows.

        Returns:
            Float tensor that broadcasts to (batch, num_rows, width, filters).
        """
        if not self._maps:
            return self._everywhere
        rows = tf.maximum(first_row + tf.range(num_rows), 0)
        outputs = self._layer.add_projections(
            {name: tf.gather(each, rows, axis=1) for name, each in self._maps.items()}
        )
        return outputs if self._everywhere is None else outputs + self._everywhere


def _by_kind(features: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divides features into vectors and maps, by name."""
    vectors = {name: features[name] for name in _VECTORS if name in features}
    maps = {name: value for name, value in features.items() if name not in vectors}
    return vectors, maps
