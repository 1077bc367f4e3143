"""Coding of a batch of tiles, by one graph for both directions."""

import functools
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import tensorflow as tf

from keras_pixelcnn.codecs.errors import NumericsError
from keras_pixelcnn.codecs.fingerprint import digest
from keras_pixelcnn.codecs.range_coder import frequency_tables
from keras_pixelcnn.codecs.slice_coders import (
    SliceCoder,
    SliceDecoder,
    SliceEncoder,
)
from keras_pixelcnn.codecs.tile_geometry import repeat_edges
from keras_pixelcnn.samplers import BatchSlices, RowDraw


class CodedSlice(NamedTuple):
    """A slice of a batch as bytes."""

    probe: int
    """Checksum of the first rows' tables, 32 bits."""
    data: bytes


class CodedBatch(NamedTuple):
    """A batch of tiles as bytes."""

    num_tiles: int
    """Number of tiles, which follows from the images' sizes and is not stored."""
    pixel_digest: bytes
    slices: tuple[CodedSlice, ...]


class BatchCoder:
    """Encodes and decodes batches of a model's tiles.

    The graph that scans a batch asks the host for every value, with the table of its
    probabilities, or for one digit of it after the other. The encoder's host answers
    what it is, the decoder's what it decodes; the graph is the same, at the same batch
    size, cut into the same slices, so that floats are the same to the last bit. (Those
    of a whole pass are not.)

    TensorFlow does not give back all the memory of graphs, so a model has one coder,
    which lives as long as the model: see `of_model`.

    Args:
        model: see `PixelCNNCodec`. Whoever uses the coder keeps it.
    """

    _of_models: ClassVar[weakref.WeakKeyDictionary] = weakref.WeakKeyDictionary()
    _of_models_lock = threading.Lock()

    @classmethod
    def of_model(cls, model: Any) -> "BatchCoder":
        """Returns the coder of a model, the same one each time."""
        with cls._of_models_lock:
            if model not in cls._of_models:
                cls._of_models[model] = cls(model)
            return cls._of_models[model]

    def __init__(self, model: Any) -> None:
        self._weak_model = weakref.ref(model)
        self._graphs: dict[tuple[int, bool], Any] = {}
        self._coders: Sequence[SliceCoder] = ()
        self._error: Exception | None = None
        self._lock = threading.Lock()

    @property
    def _model(self) -> Any:
        return self._weak_model()

    def encode(
        self,
        tiles: np.ndarray,
        inner: np.ndarray,
        conditions: Mapping[str, np.ndarray],
        most_slices: int,
        whole_values: bool = False,
    ) -> CodedBatch:
        """Encodes a batch.

        Args:
            tiles: integers (tiles, height, width, channels) of the model's levels, at
                least one.
            inner: int32 (tiles, 2): what is coded of each; see `SliceCoder`.
            conditions: the model's inputs beside the image, by name.
            most_slices: into how many slices the batch is cut at most.
            whole_values: whether each value is coded whole, from the probabilities of
                all levels, as version 1 did; else as the likelihood wants it. Default
                False.

        Raises:
            CodecError: when the model gives no probabilities.
        """
        coders = [
            SliceEncoder(tiles[part], inner[part])
            for part in slices_of(len(tiles), most_slices)
        ]
        self._scan(coders, conditions, len(tiles), most_slices, whole_values)
        slices = tuple(CodedSlice(each.probe, each.finish()) for each in coders)
        return CodedBatch(len(tiles), digest([tiles.astype("<i4")]), slices)

    def decode(
        self,
        batch: CodedBatch,
        inner: np.ndarray,
        conditions: Mapping[str, np.ndarray],
        most_slices: int,
        whole_values: bool = False,
    ) -> np.ndarray:
        """Decodes the tiles of a batch, int32 (tiles, height, width, channels).

        Args:
            batch: as `encode` gave it.
            inner: as for `encode`.
            conditions: as for `encode`.
            most_slices: as for `encode`.
            whole_values: as for `encode`.

        Raises:
            NumericsError: when other tiles come out than were encoded.
        """
        parts = slices_of(batch.num_tiles, most_slices)
        coders = [
            SliceDecoder(self._model.image_shape, inner[part], each.data, each.probe)
            for part, each in zip(parts, batch.slices, strict=True)
        ]
        tiles = self._scan(
            coders, conditions, batch.num_tiles, most_slices, whole_values
        )
        # A place beyond the edge may be visited before the one that it repeats.
        tiles = repeat_edges(tiles, np.asarray(inner))
        if digest([tiles.astype("<i4")]) != batch.pixel_digest:
            raise NumericsError("other pixels come out")
        return tiles

    def _scan(
        self,
        coders: Sequence[SliceCoder],
        conditions: Mapping[str, np.ndarray],
        num_tiles: int,
        *form: Any,
    ) -> np.ndarray:
        with self._lock:  # the graph asks the coders of one call
            if form not in self._graphs:
                specs = self._model.conditions.tensor_specs(with_presence=True)
                self._graphs[form] = tf.function(
                    functools.partial(self._scan_in_graph, *form),
                    input_signature=[tf.TensorSpec([], tf.int32), specs],
                    autograph=False,
                )
            self._coders, self._error = coders, None
            inputs = {name: tf.constant(value) for name, value in conditions.items()}
            try:
                tiles = self._graphs[form](tf.constant(num_tiles), inputs)
            except tf.errors.OpError:
                if self._error is None:
                    raise
                raise self._error from None
            finally:
                self._coders = ()
        return tiles.numpy()

    def _scan_in_graph(
        self,
        most_slices: int,
        whole_values: bool,
        num_tiles: tf.Tensor,
        conditions: dict[str, tf.Tensor],
    ) -> tf.Tensor:
        likelihood = self._model.pixel_likelihood

        def draw(index: tf.Tensor | int, row: tf.Tensor) -> RowDraw:
            def draw_value(
                column: tf.Tensor, channel: int, parameters: tf.Tensor
            ) -> tf.Tensor:
                def ask(weights: tf.Tensor, step: int) -> tf.Tensor:
                    tables = frequency_tables(weights)
                    place = tf.stack([index, row, column, channel, step])
                    # Called stateless, or the slices would wait for each other.
                    digits = tf.numpy_function(
                        self._ask, [place, tables], tf.int32, stateful=False
                    )
                    return tf.ensure_shape(digits, parameters.shape[:1])

                if whole_values:
                    return ask(likelihood.level_weights(parameters), 1)
                return likelihood.choose_value(parameters, ask)

            return draw_value

        return self._model.scan(draw, conditions, BatchSlices(num_tiles, most_slices))

    def _ask(self, place: np.ndarray, tables: np.ndarray) -> np.ndarray:
        index, *place, step = place.tolist()
        try:
            return self._coders[index](tuple(place), tables, step)
        except Exception as error:  # which TensorFlow would only tell of in words
            self._error = error
            raise


def slices_of(num_tiles: int, most_slices: int) -> list[slice]:
    """Returns which tiles of a batch lie in each slice."""
    slices = BatchSlices(num_tiles, most_slices)
    return [
        slice(i * slices.size, min((i + 1) * slices.size, num_tiles))
        for i in range(slices.count)
    ]
