"""PyramidPixelCNN: coarse pixels first, then those between them."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn import likelihoods
from keras_pixelcnn.checks import check_image_shape, check_integer, is_integer, verb
from keras_pixelcnn.layers.color_groups import complete_filters
from keras_pixelcnn.layers.input_encoding import make_encoding
from keras_pixelcnn.models.base import request_validation
from keras_pixelcnn.models.base.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.base.conditions import Conditions
from keras_pixelcnn.models.gated_pixelcnn.model import GatedNetwork, make_parameters
from keras_pixelcnn.models.pyramid.coarse_context import CoarseContext
from keras_pixelcnn.models.pyramid.parts import (
    Interleave,
    Lattice,
    Place,
    PyramidPart,
    join_channels,
    lattices_of_stages,
    passes_of,
    places_of_parts,
    scan_parts,
)
from keras_pixelcnn.samplers import BatchSlices, Draw, KnownPixels, ScanPass


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class PyramidPixelCNN(AutoregressiveImageModel):
    """Gated PixelCNNs from coarse to fine: log p(x) = log p(a) + log p(x | a), exactly.

    ::

        x[::2, ::2] ─── Gated PixelCNN                            ── its pixels
             │ unmasked network
        x[::2, 1::2] ── Gated PixelCNN, with that as spatial map  ── columns between
             │ unmasked network over both
        x[1::2] ─────── Gated PixelCNN, with that as spatial map  ── rows between

    a = x[::2, ::2] is cut in the same way where there are more stages; with three the
    parts of 4 x 4 pixels come in the order

        0 3 1 3
        4 4 4 4
        2 3 2 3
        4 4 4 4

    and in each the raster's. So each pixel is modelled once, given pixels of the parts
    before and those before it in its own. The order is another than that of
    `GatedPixelCNN`; the likelihood, and all verbs, are as exact. The gated networks
    together run once over each pixel, and the unmasked ones over those between which
    others lie. All are trained together, or stage by stage: the first stages are a
    pyramid of their own, whose layers have the same names (see the second example;
    without `positions` and `vector_map`, whose maps are made for one size, and with the
    same `head_filters`).

    Of a coarsest image that is small a network sees all that comes before a pixel. The
    others see, on all sides, `1 + 2 * context_blocks` pixels of the coarser image
    further than their own kernels reach, and these were drawn to fit what lies beyond.
    `sample(coarse=...)` draws the rest around the image of a stage: super-resolution.

    With `first_channel=1` all of this is of the greens of RGB, which are nearly a grey
    image, and one more stage draws reds and blues given these: `sample(coarse=...)` of
    greens is colouring. A grey image has one channel, (batch, h, w, 1).

    Labels and other conditions add to the gates of every network, and guidance counts
    in each. The last layer, from features to the likelihood's parameters, is one for
    all but a stage that adds channels, and runs once over all pixels.

    In `complete` the known pixels inform those after them in the model's order, so the
    coarse ones those of the whole image.

    Args:
        image_shape: (height, width, channels): any size, any number of channels.
        num_levels: pixel values are integers in [0, num_levels); 2 to 65,536.
            Default 256.
        num_stages: number of stages; stage k of n has every 2**(n - k - 1)-th row and
            column, from the first: all but the coarsest add two parts to the one
            before. With 1 this is a Gated PixelCNN. Default 3.
        filters: features of the stacks of a stage, a number for all stages or a
            sequence of one for each, from the coarsest; a multiple of the channels that
            are drawn together. Default: as for `GatedPixelCNN`.
        num_blocks: number of blocks of each network of a stage, for all or of each, as
            `filters`. Default 15.
        context_blocks: residual blocks of each network that makes a spatial map of the
            coarser image; it is as wide as the stage. Default 3.
        kernel_size: of all stages; see `GatedPixelCNN`.
        first_kernel_size: as there.
        head_filters: as there; as many in all stages. Default: the last one's filters.
        likelihood: as there.
        dropout_rate: as there.
        gradient_checkpointing: as there.
        num_classes: as there.
        embedding_dim: as there.
        spatial_shape: as there.
        vocabulary: as there.
        caption_length: as there.
        condition_dropout: as there; the coarser image is never dropped.
        vector_map: as there.
        positions: as there.
        vertical_gain: as there.
        input_encoding: as there.
        input_embedding_dim: as there.
        first_channel: which channel all stages but the last are of, n - 1 of them as
            above; the last then adds the other channels in all pixels. Needs two
            stages, intensities as inputs, and a likelihood with parameters for each
            channel, as "categorical" has. Default: all stages are of all channels.
        dtype: as there.
        name: the model's name.
        trainable: whether the weights are trained. Default True.

    Raises:
        ValueError: on arguments out of their ranges.

    Example:
        >>> model = PyramidPixelCNN((28, 28, 1), filters=32, num_blocks=(15, 10, 8))
        >>> model.compile("adam")
        >>> model.fit(images, epochs=10)
        >>> model.sample(16, seed=1)
        >>> model.sample(coarse=model.coarse_image(images[:16]), seed=1)  # 14x14 given

        >>> first = PyramidPixelCNN((14, 14, 1), num_stages=1, filters=32)
        >>> first.compile("adam")
        >>> first.fit(images[:, ::2, ::2], epochs=10)
        >>> model = PyramidPixelCNN((28, 28, 1), num_stages=2, filters=32)
        >>> for layer in first.layers:
        ...     if layer.weights:
        ...         own = model.get_layer(layer.name)
        ...         own.set_weights(layer.get_weights())
        ...         own.trainable = False
        >>> model.compile("adam")
        >>> model.fit(images, epochs=10)

    References:
        Multi-scale PixelRNN: van den Oord et al. 2016, arXiv 1601.06759, section 3.5.
        Coarse images as auxiliary variables: Kolesnikov and Lampert 2017, arXiv
        1612.08185. Columns between columns, then rows between rows: Reed et al. 2017,
        arXiv 1703.03664. The spatial condition: van den Oord et al. 2016, arXiv
        1606.05328, equation 5.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_levels: int = 256,
        num_stages: int = 3,
        filters: int | Sequence[int] | None = None,
        num_blocks: int | Sequence[int] = 15,
        context_blocks: int = 3,
        kernel_size: int = 3,
        first_kernel_size: int = 7,
        head_filters: int | None = None,
        likelihood: likelihoods.Identifier = "categorical",
        dropout_rate: float = 0.0,
        num_classes: int | None = None,
        embedding_dim: int | None = None,
        spatial_shape: tuple[int, int, int] | None = None,
        vocabulary: Sequence[str] | keras.layers.TextVectorization | None = None,
        caption_length: int | None = None,
        condition_dropout: float = 0.0,
        gradient_checkpointing: bool = False,
        vector_map: bool = False,
        positions: bool = False,
        vertical_gain: float = 1.0,
        input_encoding: str = "intensity",
        input_embedding_dim: int | None = None,
        first_channel: int | None = None,
        dtype: Any = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        image_shape = check_image_shape(image_shape)
        _check_stages(num_stages, image_shape, first_channel)
        filters = _of_each_stage("filters", filters, num_stages)
        num_blocks = _of_each_stage("num_blocks", num_blocks, num_stages)
        pixels = likelihoods.get(likelihood, num_levels, image_shape[-1])
        if first_channel is not None:
            _check_first_channel(first_channel, pixels, input_encoding)
        conditions = Conditions(
            num_classes,
            embedding_dim,
            spatial_shape,
            condition_dropout,
            dtype,
            vocabulary,
            caption_length,
        )

        # === Layers ===
        encoding = make_encoding(input_encoding, input_embedding_dim, pixels, dtype)
        places = places_of_parts(image_shape, num_stages, first_channel)
        parameters = make_parameters(_likelihood_at(places[0], pixels))
        if head_filters is None:
            # As many for all, which share the last layer.
            groups = _likelihood_at(places[-1], pixels).color_groups
            last_filters = complete_filters(_at(filters, -1), None, groups)
        parts = [
            _make_part(
                place,
                image_shape,
                encoding,
                pixels,
                context_blocks,
                is_conditional=bool(place.between or conditions.names or positions),
                filters=_at(filters, place.stage),
                num_blocks=_at(num_blocks, place.stage),
                kernel_size=kernel_size,
                first_kernel_size=first_kernel_size,
                head_filters=last_filters if head_filters is None else head_filters,
                dropout_rate=dropout_rate,
                gradient_checkpointing=gradient_checkpointing,
                vertical_gain=vertical_gain,
                dtype=dtype,
                parameters=None if place.adds_channels else parameters,
            )
            for place in places
        ]
        condition_encoder = conditions.make_encoder(
            image_shape[:2], parts[-1].network.filters, dtype, vector_map, positions
        )
        by_pixel = keras.layers.Reshape(
            (*image_shape[:2], *pixels.pixel_shape), dtype="float32"
        )

        # === Functional model ===
        image = keras.Input(image_shape, dtype="int32", name="image")
        given = conditions.keras_inputs()
        encoded, features = encoding(image), None
        if condition_encoder is not None:
            # A symbolic layer needs an input, whatever it reads.
            features = condition_encoder(given or {"image": encoded})
        outputs = None
        for part in parts:
            place = part.place
            coarser = place.between and place.between.values_of(encoded)
            given_features = part.features(features, coarser)
            own_values = place.pixels.values_of(encoded)
            own = part.network.head_features(own_values, given_features)
            if not place.adds_channels:
                outputs = own if part.join is None else part.join(outputs, own)
        outputs = parameters(outputs)
        if first_channel is not None:
            by_channel = keras.layers.Reshape(
                (*image_shape[:2], -1, *pixels.pixel_shape[1:]), dtype="float32"
            )
            others = by_channel(part.network.parameters(own))
            channels = place.pixels.channels
            outputs = join_channels(by_channel(outputs), others, channels, axis=-2)
        super().__init__(
            inputs={"image": image, **given},
            outputs=by_pixel(outputs),
            image_shape=image_shape,
            likelihood=pixels,
            conditions=conditions,
            dtype=dtype,
            name=name,
            trainable=trainable,
        )

        # === Config ===
        self.num_stages = num_stages
        self.filters = filters
        self.num_blocks = num_blocks
        self.context_blocks = context_blocks
        self.kernel_size = kernel_size
        self.first_kernel_size = first_kernel_size
        self.head_filters = head_filters
        self.dropout_rate = dropout_rate
        self.num_classes = num_classes
        self.embedding_dim = embedding_dim
        self.spatial_shape = conditions.shapes.get("spatial")
        self.vocabulary = conditions.caption_text and conditions.caption_text.vocabulary
        self.caption_length = caption_length
        self.condition_dropout = condition_dropout
        self.gradient_checkpointing = gradient_checkpointing
        self.vector_map = vector_map
        self.positions = positions
        self.vertical_gain = vertical_gain
        self.input_encoding = input_encoding
        self.input_embedding_dim = input_embedding_dim
        self.first_channel = first_channel
        self.encoding = encoding
        self.condition_encoder = condition_encoder
        self.parts = tuple(parts)

    # Sampling, part by part.

    @property
    def scan_passes(self) -> tuple[ScanPass, ...]:
        """Pixels part by part; see `AutoregressiveImageModel`."""
        return passes_of(self.image_shape, self.parts)

    def scan_by_steps(
        self,
        draw: Draw,
        conditions: Mapping[str, tf.Tensor],
        slices: BatchSlices,
        known: KnownPixels | None = None,
    ) -> tf.Tensor:
        """Visits the pixels part by part; see `AutoregressiveImageModel`."""
        return scan_parts(self, draw, conditions, slices, known)

    @verb()
    def sample(
        self,
        num_samples: int | None = None,
        seed: Any = None,
        temperature: Any = 1.0,
        *,
        coarse: Any = None,
        **options: Any,
    ) -> tf.Tensor:
        """Samples images, or the rest of images whose coarse pixels are given.

        Args:
            num_samples: as for `AutoregressiveImageModel.sample`; so many are drawn
                around one coarse image.
            seed: as there.
            temperature: as there.
            coarse: images of the size of any stage but the last, as `coarse_image`
                gives them: integers (batch, h, w, channels), or (h, w, channels) for
                all; with `first_channel` of that one. They are kept, and the rest is
                drawn given them, exactly: the same image as without them, where they
                are what the seed draws. Default: all is drawn.
            **options: as there: conditions, top_p, guidance_scale, sampler,
                jit_compile.

        Returns:
            Images as `AutoregressiveImageModel.sample` gives them.

        Raises:
            ValueError: as there, or when the coarse images have the size of no stage.
        """
        if coarse is None:
            return super().sample(num_samples, seed, temperature, **options)
        if num_samples is None and len(np.shape(coarse)) == 3:
            num_samples = self.conditions.num_examples(options)
            if num_samples is None:
                num_samples = request_validation.num_seeds(seed)
        if num_samples is not None:
            num_samples = request_validation.prepare_num_samples(num_samples)
        image, mask = self._around(coarse, num_samples)
        return self.complete(image, mask, seed, temperature, **options)

    @verb()
    def coarse_image(self, image: Any, stage: int = -2) -> Any:
        """Returns a stage's part of images: every so many rows and columns.

        Args:
            image: (batch, height, width, channels), an array or a tensor.
            stage: which one, from 0, the coarsest; negative from the last. Default:
                the one before the last. With `first_channel` all but the last are of
                that channel alone.

        Raises:
            ValueError: when there is no such stage.
        """
        if not is_integer(stage) or not -self.num_stages <= stage < self.num_stages:
            raise ValueError(
                f"stage must be an integer from {-self.num_stages} to "
                f"{self.num_stages - 1}. Received: stage={stage!r}"
            )
        channels = self.image_shape[-1]
        if np.shape(image)[-1:] != (channels,):
            raise ValueError(
                f"image must be (batch, height, width, {channels}). "
                f"Received: image of shape {tuple(np.shape(image))}"
            )
        return self._stages[stage].values_of(image)

    @property
    def _stages(self) -> list[Lattice]:
        return lattices_of_stages(self.num_stages, self.first_channel)

    def _around(self, coarse: Any, num_samples: Any) -> tuple[Any, np.ndarray]:
        """Brings coarse images to the image's size: with a mask of their pixels."""
        if not tf.is_tensor(coarse):
            coarse = np.asarray(coarse)
        size = tuple(coarse.shape)[-3:]
        height, width, channels = self.image_shape
        sizes = {each.shape(self.image_shape): each for each in self._stages[:-1]}
        if size not in sizes or len(coarse.shape) not in (3, 4):
            raise ValueError(
                "coarse must be images of the size of a stage but the last: "
                f"(height, width, channels) one of {list(sizes)}, or a batch of them. "
                f"Received: coarse of shape {tuple(coarse.shape)}"
            )
        pixels = sizes[size]
        _, stride = pixels.rows
        if len(coarse.shape) == 3:
            coarse = coarse[np.newaxis]
        repeat = tf.repeat if tf.is_tensor(coarse) else np.repeat
        if coarse.shape[0] == 1 and num_samples is not None:
            coarse = repeat(coarse, num_samples, axis=0)
        elif num_samples is not None and coarse.shape[0] not in (None, num_samples):
            raise ValueError(
                "coarse must be one image for all samples, or one for each of the "
                f"{num_samples}. Received: coarse of shape {tuple(coarse.shape)}"
            )
        image = repeat(repeat(coarse, stride, axis=1), stride, axis=2)
        image = image[:, :height, :width]
        mask = np.zeros(self.image_shape, bool)
        pixels.values_of(mask)[:] = True
        if size[-1] == channels:
            return image, mask[..., 0]
        # The values of channels that are not known do not matter.
        image = repeat(image, channels, axis=3)
        ones_like = tf.ones_like if tf.is_tensor(image) else np.ones_like
        return image, ones_like(image, dtype=bool) & mask

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "num_stages": self.num_stages,
            "filters": self.filters,
            "num_blocks": self.num_blocks,
            "context_blocks": self.context_blocks,
            "kernel_size": self.kernel_size,
            "first_kernel_size": self.first_kernel_size,
            "head_filters": self.head_filters,
            "dropout_rate": self.dropout_rate,
            "num_classes": self.num_classes,
            "embedding_dim": self.embedding_dim,
            "spatial_shape": self.spatial_shape,
            "vocabulary": self.vocabulary,
            "caption_length": self.caption_length,
            "condition_dropout": self.condition_dropout,
            "gradient_checkpointing": self.gradient_checkpointing,
            "vector_map": self.vector_map,
            "positions": self.positions,
            "vertical_gain": self.vertical_gain,
            "input_encoding": self.input_encoding,
            "input_embedding_dim": self.input_embedding_dim,
            "first_channel": self.first_channel,
        }


def _make_part(
    place: Place,
    image_shape: tuple[int, int, int],
    encoding: Any,
    likelihood: likelihoods.PixelLikelihood,
    context_blocks: Any,
    **arguments: Any,
) -> PyramidPart:
    """Makes the layers of a part; the arguments are those of `GatedNetwork`."""
    check_integer("context_blocks", context_blocks, 0)
    (name, _, pixels, between), dtype = place, arguments["dtype"]
    size = pixels.size(image_shape[:2])
    own = _likelihood_at(place, likelihood)
    if own is not likelihood:
        encoding = make_encoding("intensity", None, own, dtype)
    network = GatedNetwork(
        (*size, own.channels), encoding, own, prefix=name, **arguments
    )
    context = join = None
    if between is not None:
        context = CoarseContext(
            size, network.filters, context_blocks, dtype=dtype, name=f"{name}context"
        )
    if between is not None and not place.adds_channels:
        axis = -2 if pixels.rows == between.rows else -3
        join = Interleave(axis, dtype=dtype, name=f"{name}join")
    return PyramidPart(place, network, context, join)


def _likelihood_at(
    place: Place, likelihood: likelihoods.PixelLikelihood
) -> likelihoods.PixelLikelihood:
    """Returns the likelihood of the channels that are drawn at a place."""
    channels = place.pixels.channels
    if channels is None:
        return likelihood
    return likelihoods.get(likelihood.identifier, likelihood.num_levels, len(channels))


def _check_first_channel(
    first_channel: Any, likelihood: likelihoods.PixelLikelihood, input_encoding: str
) -> None:
    """Checks that one channel can be drawn before the others."""
    channels = likelihood.channels
    if not is_integer(first_channel, 0) or not first_channel < channels or channels < 2:
        raise ValueError(
            "first_channel must be None or one of several channels, an integer in [0, "
            f"{channels}). Received: first_channel={first_channel!r}"
        )
    if likelihood.channels_at_once or input_encoding != "intensity":
        raise ValueError(
            'first_channel needs a likelihood such as "categorical", whose channels '
            'have parameters of their own, and input_encoding="intensity". Received: '
            f"likelihood={likelihood.name!r}, input_encoding={input_encoding!r}"
        )


def _check_stages(
    num_stages: Any, image_shape: tuple[int, int, int], first_channel: Any
) -> None:
    """Checks the number of stages."""
    more = 0 if first_channel is None else 1
    check_integer("num_stages", num_stages)
    if num_stages == more:
        raise ValueError(
            "num_stages must be at least 2 with first_channel: the last stage adds "
            f"the other channels. Received: num_stages={num_stages!r}"
        )
    most = (max(image_shape[:2]) - 1).bit_length() + 1 + more
    if num_stages > most:
        raise ValueError(
            f"num_stages must be at most {most} for image_shape={image_shape}: the "
            "coarsest image is then a single pixel. "
            f"Received: num_stages={num_stages!r}"
        )


def _of_each_stage(name: str, value: Any, num_stages: int) -> Any:
    """Checks that there is one for all stages, or one for each: a tuple."""
    if not isinstance(value, list | tuple):
        return value
    if len(value) != num_stages:
        raise ValueError(
            f"{name} must be one for all stages, or one for each of the {num_stages}. "
            f"Received: {name}={value!r}"
        )
    return tuple(value)


def _at(value: Any, index: int) -> Any:
    return value[index] if isinstance(value, tuple) else value
