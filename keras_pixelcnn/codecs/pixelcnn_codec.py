"""PixelCNNCodec: lossless compression by a model's probabilities."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_pixelcnn.checks import is_integer, verb
from keras_pixelcnn.codecs import condition_codes
from keras_pixelcnn.codecs.batch_coder import BatchCoder, CodedBatch
from keras_pixelcnn.codecs.byte_fields import as_bytes
from keras_pixelcnn.codecs.condition_codes import CodedConditions, ImageConditions
from keras_pixelcnn.codecs.errors import NumericsError, WrongModelError
from keras_pixelcnn.codecs.fingerprint import describe_environment, fingerprint
from keras_pixelcnn.codecs.range_coder import load_constriction
from keras_pixelcnn.codecs.stream import (
    MOST_TILES,
    Header,
    SizeRun,
    StreamWriter,
    read_stream,
    size_runs,
)
from keras_pixelcnn.codecs.tile_batches import (
    TilePlaces,
    check_rows,
    cut_batches,
    join_batches,
    tile_places,
)
from keras_pixelcnn.samplers import most_slices_in_graphs

if TYPE_CHECKING:
    from keras_pixelcnn.models import AutoregressiveImageModel

OnBatch = Callable[[int, int], None]
"""Called with (tiles done, bytes of them) after each batch."""


class PixelCNNCodec:
    """Compresses images without loss, to nearly the bits that the model gives them.

    A batch of images is coded together: the model's steps run on all of them for one
    value after the other, so that coding costs little more than sampling them. The
    probabilities of every value are made whole numbers that sum to 2**24, none of them
    zero: any image can be coded, whatever the model thinks of it. A range coder turns
    values into bytes, of each slice of a batch apart.

    The decoder computes the same probabilities to the last bit, since it drives the
    same steps at the same batch size. So the same machine and build always decodes. On
    others floats may differ in their last digits: a stream holds checksums of the first
    probabilities and of all pixels, and ends in a `NumericsError` then, never in wrong
    images. Streams are for transport and storage beside the model and the machine that
    read them, not for archives.

    Images larger than the model's are cut into tiles of its size, coded each by
    itself; smaller ones, and tiles at the edges, are filled up, which costs nothing.
    Conditions are one for each image, and count for all of its tiles.

    A stream costs about 200 bytes (350 where a processor has many features to tell of),
    and each batch about 20 bytes and 16 for each of its slices, of which there is one
    for each processor (at most 8) where a batch has 8 images or more for each.

    Args:
        model: an `AutoregressiveImageModel`, by steps where it has them, else by whole
            passes, which are slow. It may be trained on: each call takes its weights
            as they stand.
        batch_size: images (tiles) coded together, 1 to 4,096; it bounds the memory in
            compressing, and, as the stream holds it, in decompressing. Default 128.

    Raises:
        ValueError: when `batch_size` is out of its range.
        ImportError: when the package `constriction` is missing.

    Example:
        >>> codec = kp.codecs.PixelCNNCodec(model)
        >>> data = codec.compress(images, label=labels)
        >>> np.array_equal(codec.decompress(data), images)
        True
    """

    def __init__(
        self, model: "AutoregressiveImageModel", batch_size: int = 128
    ) -> None:
        if not is_integer(batch_size, 1) or batch_size > MOST_TILES:
            raise ValueError(
                f"batch_size must be an integer from 1 to {MOST_TILES:,}. "
                f"Received: batch_size={batch_size!r}"
            )
        if not hasattr(model, "scan"):
            raise ValueError(
                "The codec takes a model of keras_pixelcnn, such as GatedPixelCNN; "
                "kp.from_preset loads one by its name. "
                f"Received: {type(model).__name__}"
            )
        load_constriction()
        self._model = model
        self.batch_size = int(batch_size)
        self._coder = BatchCoder.of_model(model)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles what a codec is: its model and its batch size."""
        return type(self), (self._model, self.batch_size)

    @property
    def conditions(self) -> Any:
        """The conditions that the model takes."""
        return self._model.conditions

    @verb()
    def compress(
        self,
        images: Any,
        *,
        metadata: bytes = b"",
        on_batch: OnBatch | None = None,
        **conditions: Any,
    ) -> bytes:
        """Compresses images.

        Args:
            images: integers in [0, num_levels), an array (batch, height, width,
                channels) of any height and width, or a sequence of arrays (height,
                width, channels) of any sizes. Booleans become uint8, floats that are
                whole numbers int32.
            metadata: bytes that travel with them, for `read_header`. Default: none.
            on_batch: told of progress. Default: nobody.
            **conditions: of the images by name, as `log_prob` takes them. Labels travel
                in the stream, log2(num_classes) bits an image; embeddings and maps do
                not, and are passed to `decompress` again.

        Returns:
            The stream, which `decompress` takes.

        Raises:
            ValueError: when the images or conditions are not as said.
            TypeError: when `metadata` is not bytes.
            CodecError: when the model gives no probabilities (its parameters are NaN).
        """
        model = self._model
        rows = check_rows(images, model.num_levels, model.image_shape[-1])
        coded, given = condition_codes.encode(
            model.conditions, conditions, num_images=len(rows)
        )
        header = self._header(rows, coded, metadata)
        writer = StreamWriter(header)
        parts = [writer.start]
        tile = model.image_shape[:2]
        batches = cut_batches(rows, tile, header.batch_sizes())
        done = 0
        for tiles, places in zip(batches, _places(header), strict=True):
            own = given.inputs(places.images)
            batch = self._coder.encode(tiles, places.inner, own, header.most_slices)
            parts.append(writer.batch(batch))
            done += len(tiles)
            if on_batch is not None:
                on_batch(done, len(parts[-1]))
        return b"".join(parts)

    def _header(
        self,
        rows: np.ndarray | Sequence[np.ndarray],
        coded: CodedConditions,
        metadata: bytes,
    ) -> Header:
        model = self._model
        sizes: Collection[SizeRun]
        if isinstance(rows, np.ndarray):
            sizes, dtype = [SizeRun(*rows.shape[:3])], rows.dtype
        else:
            sizes = size_runs(image.shape[:2] for image in rows)
            dtype = rows[0].dtype if rows else np.dtype("uint8")
        return Header(
            fingerprint=fingerprint(model),
            image_shape=model.image_shape,
            num_levels=model.num_levels,
            dtype=dtype.newbyteorder("="),
            is_array=isinstance(rows, np.ndarray),
            sizes=sizes,
            batch_size=self.batch_size,
            most_slices=most_slices_in_graphs() if model.has_scan_steps else 1,
            conditions=coded.codes,
            conditions_digest=coded.others_digest,
            numerics=describe_environment(),
            metadata=as_bytes("metadata", metadata),
        )

    @verb()
    def decompress(
        self, data: bytes, *, on_batch: OnBatch | None = None, **conditions: Any
    ) -> np.ndarray | list[np.ndarray]:
        """Decompresses a stream to the images, exactly as they were.

        All of the stream is checked before anything is decoded, and the pixels of each
        batch before they are given out. Whatever the stream claims, memory is taken for
        a batch at a time (at most 4,096 tiles with their conditions), for what is
        given, and for the images that have been decoded.

        Args:
            data: what `compress` gave.
            on_batch: told of progress. Default: nobody.
            **conditions: embeddings and maps, as `compress` got them.

        Returns:
            An array, or a list of arrays where a sequence was compressed, of the type
            that they had.

        Raises:
            DamagedStreamError: when the stream was changed or cut.
            WrongModelError: when it was written with another model, other weights or
                other conditions.
            NumericsError: when this machine or build computes other probabilities.
            ValueError: when the conditions are not as said.
            TypeError: when `data` is not bytes.
        """
        header, batches = read_stream(data)
        self._check_model(header)
        coded = CodedConditions(header.conditions, header.conditions_digest)
        given = condition_codes.decode(
            self._model.conditions, coded, conditions, header.num_images
        )
        tiles = self._decode(header, batches, given, on_batch)
        rows = list(join_batches(tiles, header.image_sizes(), header.dtype))
        if not header.is_array:
            return rows
        if rows:
            return np.stack(rows)
        (size,) = header.sizes
        return np.zeros((*size, header.image_shape[-1]), header.dtype)

    def _check_model(self, header: Header) -> None:
        own, other = tuple(self._model.image_shape), header.image_shape
        if header.fingerprint != fingerprint(self._model):
            raise WrongModelError(
                "The stream must be decompressed with the model that compressed it, "
                "with the same weights. Received: another one; the stream's is of "
                f"images {other} with {header.num_levels} levels, this one of {own} "
                f"with {self._model.num_levels}."
            )
        if own != other or header.num_levels != self._model.num_levels:
            raise WrongModelError(
                "The stream's header contradicts the model that it names: it is of no "
                "encoder's making."
            )

    def _decode(
        self,
        header: Header,
        batches: Sequence[CodedBatch],
        given: ImageConditions,
        on_batch: OnBatch | None,
    ) -> Iterator[np.ndarray]:
        done = 0
        for batch, places in zip(batches, _places(header), strict=True):
            own = given.inputs(places.images)
            try:
                tiles = self._coder.decode(
                    batch, places.inner, own, header.most_slices, header.version == 1
                )
            except NumericsError as error:
                raise NumericsError(_explained(error, header.numerics)) from error
            done += batch.num_tiles
            if on_batch is not None:
                on_batch(done, sum(len(each.data) for each in batch.slices))
            yield tiles


def _places(header: Header) -> Iterator[TilePlaces]:
    tile = header.image_shape[:2]
    return tile_places(header.image_sizes(), tile, header.batch_sizes())


def _explained(error: NumericsError, written_with: str) -> str:
    return (
        "The stream is whole and of this model, but the model's probabilities come out "
        f"otherwise here ({error}). Decompress it on the machine and build that wrote "
        f"it. Written with: {written_with}. Here: {describe_environment()}."
    )
