"""PixelLikelihood: the interface of likelihoods to models and samplers.

Beside it stand the finding of a likelihood by its name, and the drawing of a level from
weights, which all likelihoods share.
"""

import abc
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import tensorflow as tf

from keras_pixelcnn.checks import check_integer, check_num_levels

_LIKELIHOODS: dict[str, type["PixelLikelihood"]] = {}
"""The classes of likelihoods by their names; `PixelLikelihood` registers them."""

_COLDEST = 1.2e-38
"""Processors take smaller float32 numbers for 0, which nothing can be divided by."""


NO_LEVEL = -1
"""What a draw gives where the parameters leave no level: they are not finite."""


class PixelLikelihood(abc.ABC):
    """The distribution of a pixel, given the outputs of a network for it.

    A network ends with `math.prod(pixel_shape)` float32 features a pixel, dealt out to
    `color_groups` groups in the order of the channels, and reshaped to (height, width,
    *pixel_shape). They may depend on the pixels before; group k also on the channels
    before channel k. With a single group for several channels the likelihood itself
    makes each channel depend on those before it.

    A channel is drawn from parameters of its own. Where `channels_at_once` is False
    these are the pixel's parameters of that channel, else `channel_parameters` gives
    them.

    A subclass with a `name` is known to `keras_pixelcnn.likelihoods.get`, and so to the
    `likelihood` argument of every model, once its class is there.

    Args:
        num_levels: number of values of a channel, 2 to 65,536.
        channels: channels of a pixel. Default 1.

    Raises:
        ValueError: on arguments out of their ranges.
    """

    name: ClassVar[str]
    channels_at_once: ClassVar[bool]
    orders_levels: ClassVar[bool] = True
    """Whether levels are intensities, of which neighbours are alike; else codes."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Makes a likelihood known by its name.

        Raises:
            ValueError: when it has the name of one of this package.
        """
        super().__init_subclass__(**kwargs)
        if "name" not in vars(cls):
            return
        known = _LIKELIHOODS.get(cls.name)
        ours = __name__.rpartition(".")[0]
        is_ours = known is not None and known.__module__.startswith(ours)
        if is_ours and known.__module__ != cls.__module__:
            raise ValueError(
                "A likelihood must have a name of its own, by which models find it. "
                f"Received: name={cls.name!r}, which is {known.__name__}"
            )
        _LIKELIHOODS[cls.name] = cls

    def __init__(self, num_levels: int, channels: int = 1) -> None:
        self.num_levels = check_num_levels(num_levels)
        self.channels = check_integer("channels", channels)

    @property
    def identifier(self) -> str | Mapping[str, Any]:
        """Argument of `keras_pixelcnn.likelihoods.get` for this likelihood."""
        return self.name

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, as Keras serialises objects."""
        own = {} if isinstance(self.identifier, str) else dict(self.identifier)
        own.pop("name", None)
        return {"num_levels": self.num_levels, "channels": self.channels, **own}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "PixelLikelihood":
        """Makes the likelihood that `get_config` tells of."""
        return cls(**config)

    @property
    def color_groups(self) -> int:
        """Number of groups into which a network orders its features; see the class."""
        return 1 if self.channels_at_once else self.channels

    @property
    @abc.abstractmethod
    def pixel_shape(self) -> tuple[int, ...]:
        """Shape of the parameters of one pixel."""

    @abc.abstractmethod
    def log_prob(self, parameters: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        """Computes log probabilities.

        Args:
            parameters: float tensor (..., *pixel_shape).
            values: integer tensor (..., channels).

        Returns:
            float32, in nats: (..., channels), of each value given those before it;
            where `channels_at_once` is True (...), of each pixel.
        """

    def image_log_prob(self, parameters: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
        """Computes the log probability of each image, given its parameters.

        Args:
            parameters: float tensor (batch, height, width, *pixel_shape).
            image: tensor (batch, height, width, channels) of integers in [0,
                num_levels), of any type.

        Returns:
            float32 tensor (batch,), in nats; -inf where a value is no level.
        """
        nats = self.log_prob(parameters, image)
        return tf.reduce_sum(nats, axis=list(range(1, nats.shape.rank)))

    def value_log_prob(self, parameters: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
        """Computes the log probability of each value, given those before it.

        This one works for every likelihood, through the weights of all levels; a
        likelihood that knows a shorter way overrides it.

        Args:
            parameters: float tensor (batch, height, width, *pixel_shape).
            image: tensor (batch, height, width, channels) of integers in [0,
                num_levels), of any type.

        Returns:
            float32 tensor (batch, height, width, channels), in nats, which sums to
            `image_log_prob`; -inf where a value is no level.
        """
        levels = self.as_levels(tf.convert_to_tensor(image))
        flat = tf.reshape(parameters, [-1, *self.pixel_shape])
        known = tf.reshape(tf.maximum(levels, 0), [-1, self.channels])
        known = tf.unstack(known, axis=1)
        nats = []
        for channel, chosen in enumerate(known):
            own = self.channel_parameters(flat, known[:channel])
            weights = self.level_weights(own)
            weight = tf.gather(weights, chosen[:, tf.newaxis], batch_dims=1)[:, 0]
            total = tf.reduce_sum(weights, axis=-1)
            nats.append(tf.math.log(weight) - tf.math.log(total))
        nats = tf.reshape(tf.stack(nats, axis=-1), tf.shape(levels))
        return tf.where(levels >= 0, nats, -float("inf"))

    @abc.abstractmethod
    def channel_parameters(
        self, parameters: tf.Tensor, values_before: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """Computes the parameters of a pixel's next channel by itself.

        Args:
            parameters: float tensor (examples, *pixel_shape).
            values_before: for each channel before it int32 (examples,).

        Returns:
            Float tensor (examples, m).
        """

    @abc.abstractmethod
    def level_weights(self, parameters: tf.Tensor) -> tf.Tensor:
        """Computes the probabilities of all levels of a channel, up to a factor.

        Args:
            parameters: the channel's own, float tensor (examples, m).

        Returns:
            float32 tensor (examples, num_levels), at least 0, one of each row above it.
        """

    def choose_value(
        self, parameters: tf.Tensor, ask: Callable[[tf.Tensor, int], tf.Tensor]
    ) -> tf.Tensor:
        """Lets a function choose a channel's values, as a codec does.

        This one asks once, with the weights of all levels. A likelihood that knows the
        weights of runs of levels may ask for the run first, and then for the level in
        it, with far fewer weights.

        Args:
            parameters: the channel's own, float tensor (examples, m).
            ask: is given weights (examples, count), as of `level_weights`, and how
                many levels lie from one choice to the next; returns int32 (examples,),
                in [0, count).

        Returns:
            int32 tensor (examples,): the sum of each choice times those levels.
        """
        return ask(self.level_weights(parameters), 1)

    @abc.abstractmethod
    def sample(
        self,
        parameters: tf.Tensor,
        uniforms: tf.Tensor,
        temperature: tf.Tensor,
        top_p: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Samples a channel's values by inverting the cumulative distribution.

        Args:
            parameters: the channel's own, float tensor (examples, m).
            uniforms: float32 tensor (examples,), in [0, 1): the noise.
            temperature: float32 tensor (examples,), above 0. Below 1.2e-38 it counts
                as that.
            top_p: float32 tensor (examples,), in (0, 1]: draws from the fewest
                likeliest levels that together have at least this probability, at the
                given temperature. Default: from all.

        Returns:
            int32 tensor (examples,): the smallest value whose cumulative probability
            reaches the noise, which is never a value of probability zero; negative
            where parameters are not finite, so that models can refuse the image.
        """

    @abc.abstractmethod
    def sample_guided(
        self,
        conditional: tf.Tensor,
        unconditional: tf.Tensor,
        scale: tf.Tensor,
        uniforms: tf.Tensor,
        temperature: tf.Tensor,
        top_p: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Samples a channel's values by classifier-free guidance.

        Args:
            conditional: the channel's own parameters, float tensor (examples, m).
            unconditional: the same of the unconditional model.
            scale: float32 tensor (examples,): 0 gives the unconditional model, 1 the
                conditional one, more exaggerates what the condition changes.
            uniforms: as for `sample`.
            temperature: as for `sample`.
            top_p: as for `sample`.

        Returns:
            int32 tensor (examples,).

        References:
            Ho and Salimans 2022, arXiv 2207.12598, equation 6, in logit space.
        """

    @staticmethod
    def warm_enough(temperature: tf.Tensor) -> tf.Tensor:
        """Clips temperatures (examples,) so that they can divide: (examples, 1)."""
        return tf.maximum(temperature, _COLDEST)[:, tf.newaxis]

    @staticmethod
    def check_shape(name: str, tensor: tf.Tensor, shape: Sequence[int]) -> None:
        """Checks the last axes of a tensor, as far as they are known.

        Args:
            name: what errors call it.
            tensor: any.
            shape: what the last axes must be.

        Raises:
            ValueError: when they are not.
        """
        known = tensor.shape
        if known.rank is None:
            return
        if not known[-len(shape) :].is_compatible_with(shape):
            sizes = ", ".join(map(str, shape))
            raise ValueError(
                f"{name} must have the shape (..., {sizes}). "
                f"Received: {name} of shape {tuple(known)}"
            )

    def as_levels(self, values: tf.Tensor) -> tf.Tensor:
        """Converts values of any type to levels.

        Args:
            values: tensor (...) of integers or floats.

        Returns:
            int32 tensor (...): the levels, -1 for what is none: values out of the
            range or between two levels.
        """
        if not values.dtype.is_floating:
            values = tf.cast(values, tf.int64)
        possible = (values >= 0) & (values < self.num_levels)
        if values.dtype.is_floating:
            possible &= tf.equal(values, tf.floor(values))
        return tf.where(possible, tf.cast(values, tf.int32), -1)


Identifier = str | Mapping[str, Any] | PixelLikelihood
"""What models take as their `likelihood`: see `get`."""


def get(identifier: Identifier, num_levels: int, channels: int = 1) -> PixelLikelihood:
    """Returns a likelihood by its name or config, as `keras.losses.get` does.

    Args:
        identifier: "categorical", "logistic_mixture", "two_sided_geometric", or the
            name of a subclass of `PixelLikelihood`; or a dict with the name as "name"
            and the likelihood's own arguments, such as {"name": "logistic_mixture",
            "num_mixtures": 5}. Or a likelihood, or what
            `keras.saving.serialize_keras_object` makes of one.
        num_levels: number of values of a pixel's channel.
        channels: channels of a pixel. Default 1.

    Raises:
        ValueError: when there is none of that name, or it cannot be so, or a model
            could not be saved with it.
    """
    if isinstance(identifier, Mapping) and "class_name" in identifier:
        identifier = _deserialized(identifier)
    if isinstance(identifier, PixelLikelihood):
        return _checked(identifier, num_levels, channels)
    arguments = {}
    name = identifier
    if isinstance(identifier, Mapping):
        arguments = dict(identifier)
        name = arguments.pop("name", None)
    if not isinstance(name, str) or name not in _LIKELIHOODS:
        raise ValueError(
            f"likelihood must be one of {sorted(_LIKELIHOODS)}, or a dict with one of "
            f"them as its name. Received: likelihood={identifier!r}"
        )
    try:
        return _LIKELIHOODS[name](num_levels, channels, **arguments)
    except TypeError as error:
        raise ValueError(
            f"likelihood {name!r} has no such arguments. "
            f"Received: likelihood={identifier!r}"
        ) from error


def _deserialized(serialized: Mapping[str, Any]) -> PixelLikelihood:
    """Makes a likelihood of its serialised form; imports nothing that it names."""
    name = serialized["class_name"]
    for known in _LIKELIHOODS.values():
        if known.__name__ == name:
            return known.from_config(serialized["config"])
    raise ValueError(
        "likelihood must be of a class that is there: import the module that defines "
        f"it. Known are {sorted(each.__name__ for each in _LIKELIHOODS.values())}. "
        f"Received: class_name={name!r}"
    )


def _checked(
    likelihood: PixelLikelihood, num_levels: int, channels: int
) -> PixelLikelihood:
    """Checks that a likelihood fits, and that its identifier tells all of it."""
    own = likelihood.num_levels, likelihood.channels
    if own != (num_levels, channels):
        raise ValueError(
            f"likelihood must have the model's {num_levels} levels and {channels} "
            f"channels. Received: one of {own[0]} levels and {own[1]} channels"
        )
    kind = type(likelihood)
    again = None
    if _LIKELIHOODS.get(kind.name) is kind:
        again = get(likelihood.identifier, num_levels, channels)
    if again is None or _facts(again) != _facts(likelihood):
        raise ValueError(
            "A likelihood must be told by its class's own name and, where it has "
            "arguments, by the property identifier, a dict of them with the name: "
            "models are saved with these. "
            f"Received: {kind.__name__}, of identifier {likelihood.identifier!r}"
        )
    return likelihood


def _facts(likelihood: PixelLikelihood) -> dict[str, Any]:
    simple = (bool, int, float, str, tuple, type(None))
    return {k: v for k, v in vars(likelihood).items() if isinstance(v, simple)}


# Drawing levels by inverting a cumulative distribution, given as weights.


def first_to_reach(threshold: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Finds the first index whose cumulative weight reaches a threshold.

    However sums are rounded, and in whatever order, the index is one of a weight above
    zero: the last of these where rounding put the threshold above all.

    Args:
        threshold: float32 tensor (batch, 1).
        weights: float32 tensor (batch, n), not negative.

    Returns:
        int32 tensor (batch,); `NO_LEVEL` where no weight is above zero, as where the
        parameters were not finite. This costs a draw nothing.
    """
    return _first_to_reach(threshold, tf.cumsum(weights, axis=-1), weights, NO_LEVEL)


def choose(
    weights: tf.Tensor, uniforms: tf.Tensor, none: int = NO_LEVEL
) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds the index that a uniform number falls on, and how far it reaches into it.

    Args:
        weights: float32 tensor (batch, n), as for `first_to_reach`.
        uniforms: float32 tensor (batch,), in [0, 1).
        none: the index where no weight is above zero.

    Returns:
        int32 tensor (batch,), and float32 (batch, 1): what of the uniform's share of
        all weights is left when those before the index are taken away.
    """
    cumulative = tf.cumsum(weights, axis=-1)
    threshold = uniforms[:, tf.newaxis] * cumulative[:, -1:]
    index = _first_to_reach(threshold, cumulative, weights, none)
    before = tf.gather(cumulative - weights, tf.maximum(index, 0), batch_dims=1)
    return index, threshold - before[:, tf.newaxis]


def keep_likeliest(weights: tf.Tensor, top_p: tf.Tensor) -> tf.Tensor:
    """Keeps the top-p levels (nucleus sampling): zeroes the weights of all others.

    Holtzman et al. 2019, arXiv 1904.09751, section 3.1. Of equal weights all or none
    are kept, and never fewer than one level.

    Args:
        weights: float32 tensor (batch, num_levels), as for `first_to_reach`.
        top_p: float32 tensor (batch,), in (0, 1].
    """
    descending = tf.sort(weights, axis=-1, direction="DESCENDING")
    cumulative = tf.cumsum(descending, axis=-1)
    needed = top_p[:, tf.newaxis] * cumulative[:, -1:]
    before = cumulative - descending
    least = tf.reduce_min(
        tf.where(before < needed, descending, descending[:, :1]), axis=-1, keepdims=True
    )
    everything = top_p[:, tf.newaxis] >= 1.0  # rounding would drop the least likely
    return tf.where((weights >= least) | everything, weights, 0.0)


def _first_to_reach(
    threshold: tf.Tensor, cumulative: tf.Tensor, weights: tf.Tensor, none: int
) -> tf.Tensor:
    # The first that reaches the threshold; where none does, the one that comes nearest.
    reached = tf.where(weights > 0.0, cumulative, -math.inf)
    index = tf.argmax(tf.minimum(reached, threshold), axis=-1, output_type=tf.int32)
    return index if none == 0 else tf.where(cumulative[:, -1] > 0.0, index, none)
