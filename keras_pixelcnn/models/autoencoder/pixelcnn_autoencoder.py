"""PixelCNNAutoencoder: a convolutional encoder, and a PixelCNN as the decoder."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.checks import check_image_shape, check_integer, check_number, verb
from keras_pixelcnn.interpolation import interpolate_embeddings
from keras_pixelcnn.layers import ImageEncoder
from keras_pixelcnn.layers.image_encoder import halved_sizes
from keras_pixelcnn.metrics import bits_per_dim
from keras_pixelcnn.models.autoencoder import bounds, latents
from keras_pixelcnn.models.autoencoder.gaussian_posterior import GaussianPosterior
from keras_pixelcnn.models.base import request_validation
from keras_pixelcnn.models.base.conditions import HAS_CONDITION
from keras_pixelcnn.models.base.image_model import ImageLosses
from keras_pixelcnn.models.base.likelihood_model import LikelihoodModel
from keras_pixelcnn.models.base.sampling import OPTIONS
from keras_pixelcnn.models.gated_pixelcnn.model import GatedPixelCNN
from keras_pixelcnn.samplers import at_least_one, example_normals


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class PixelCNNAutoencoder(LikelihoodModel):
    """An auto-encoder with a conditional PixelCNN as its decoder, trained end to end.

    ::

        image ── convolutions ── latent z ──┐
          │                                 │ added to the gates of every block
          └───────────────────────── GatedPixelCNN ── parameters of p(x | z)

    The decoder sees the pixels before each pixel, so the latent need not hold what
    these tell: it is free for what the image shows as a whole. How much of it the
    decoder uses is a matter of the data and of the decoder's size; compare
    `log_prob(x)` with `decoder.log_prob(x, **latent_conditions(z))` of other images' z.

    Trained by `compile()` and `fit(x)`, on bits/dim of p(x | z = f(x)). With `beta`
    above 0 it is a variational auto-encoder: z is drawn from a Gaussian posterior
    q(z | x), and the loss is E[-log p(x | z)] + beta KL(q(z | x), N(0, I)), in bits per
    dimension; `fit` and `evaluate` then show "elbo_bits_per_dim", an upper bound on
    bits/dim whatever beta is: with other draws in each step of training, and when they
    score with one draw of each image, which depends on that image alone.

    Args:
        image_shape: (height, width, channels): any size, any number of channels.
        num_levels: pixel values are integers in [0, num_levels). Default 256.
        latent_dim: length of the latent. Default 100.
        encoder_filters: features of the encoder at the image's size; twice as many at
            each half of it. Default 32.
        filters: of the decoder, as this and the following; see `GatedPixelCNN`.
        num_blocks: as there.
        head_filters: as there.
        kernel_size: as there.
        first_kernel_size: as there.
        likelihood: as there.
        dropout_rate: as there.
        gradient_checkpointing: as there.
        positions: as there.
        vertical_gain: as there.
        map_filters: features of a map that a deconvolutional network makes of the
            latent, added pixel by pixel: so the latent says where, too, and not only
            what. For decoders that see only a part of the image. Default: no map.
        condition_dropout: share of the images that the decoder is trained on without
            their latents, in [0, 1). Above 0 `decode` and `reconstruct` know guidance.
            Default 0.
        beta: weight of the divergence of the posterior from N(0, I), at least 0.
            Default 0: the latent is a function of the image.
        dtype: dtype policy, such as "mixed_bfloat16"; latents and likelihood stay
            float32. Default: Keras's global policy.
        name: the model's name.
        trainable: whether the weights are trained. Default True.
        encoder: a Keras layer or model of your own, from integers in [0, num_levels),
            (batch, height, width, channels), to latents, floats (batch, latent_dim);
            with beta above 0 (batch, 2 latent_dim), means and then raw deviations, of
            which 0 is N(0, I). It is saved with the model, by Keras's serialization;
            `load_model` asks for one registered class around Keras's own layers.
            Default: an `ImageEncoder` of `encoder_filters`.

    Call arguments:
        inputs: as for `ImageModel`.
        training: whether dropout is on.

    Returns:
        The parameters of p(x | z), as those of `GatedPixelCNN`. With beta above 0 a
        dict of these as "parameters", given a z that is drawn, and of
        "kl_divergence", float32 (batch,), in nats.

    Raises:
        ValueError: on arguments out of their ranges.

    Example:
        >>> model = PixelCNNAutoencoder((28, 28, 1), latent_dim=10, filters=32)
        >>> model.compile("adam")
        >>> model.fit(images, epochs=10)
        >>> latents = model.encode(images[:8])
        >>> model.decode(latents[0], seed=1, num_samples=16)  # 16 images of one latent

    References:
        van den Oord et al. 2016, arXiv 1606.05328, sections 2.4 and 3.4; for the map
        section 2.3, equation 5. The variational one: Kingma and Welling 2013, arXiv
        1312.6114; beta: Higgins et al. 2017, "beta-VAE", equation 4.
    """

    own_loss = "its own likelihood, or a bound on it, in bits per dimension"

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_levels: int = 256,
        latent_dim: int = 100,
        encoder_filters: int = 32,
        filters: int | None = None,
        num_blocks: int = 15,
        kernel_size: int = 3,
        first_kernel_size: int = 7,
        head_filters: int | None = None,
        likelihood: str | Mapping[str, Any] = "categorical",
        dropout_rate: float = 0.0,
        gradient_checkpointing: bool = False,
        positions: bool = False,
        vertical_gain: float = 1.0,
        map_filters: int | None = None,
        condition_dropout: float = 0.0,
        beta: float = 0.0,
        dtype: Any = None,
        name: str | None = None,
        trainable: bool = True,
        encoder: Any = None,
    ) -> None:
        image_shape = check_image_shape(image_shape)
        check_integer("latent_dim", latent_dim)
        check_integer("encoder_filters", encoder_filters)
        map_shape = None
        if map_filters is not None:
            check_integer("map_filters", map_filters)
            map_shape = (*halved_sizes(image_shape[:2])[-1], map_filters)
        rule = "a finite number of at least 0"
        beta = check_number("beta", beta, rule, lambda x: 0 <= x < math.inf)
        is_variational = beta > 0

        # === Layers ===
        decoder = GatedPixelCNN(
            image_shape,
            num_levels,
            filters=filters,
            num_blocks=num_blocks,
            kernel_size=kernel_size,
            first_kernel_size=first_kernel_size,
            head_filters=head_filters,
            likelihood=likelihood,
            dropout_rate=dropout_rate,
            embedding_dim=latent_dim,
            spatial_shape=map_shape,
            condition_dropout=condition_dropout,
            gradient_checkpointing=gradient_checkpointing,
            positions=positions,
            vertical_gain=vertical_gain,
            dtype=dtype,
            name="decoder",
        )
        units = 2 * latent_dim if is_variational else latent_dim
        has_own_encoder = encoder is not None
        if not has_own_encoder:
            encoder = ImageEncoder(
                units, decoder.num_levels, encoder_filters, dtype=dtype, name="encoder"
            )
        elif isinstance(encoder, Mapping):  # of a config
            encoder = keras.saving.deserialize_keras_object(encoder)
        latent_map = None
        if map_shape is not None:  # of small maps, which the decoder upsamples
            layers = [
                keras.layers.Dense(math.prod(map_shape), dtype="float32", name="dense"),
                keras.layers.Reshape(map_shape, dtype="float32", name="reshape"),
            ]
            latent_map = keras.Sequential(layers, name="latent_map")
        posterior = None
        if is_variational:
            posterior = GaussianPosterior(latent_dim, dtype="float32", name="posterior")

        # === Functional model ===
        image = keras.Input(image_shape, dtype="int32", name="image")
        latent = encoder(image)
        if tuple(latent.shape) != (None, units):
            raise ValueError(
                f"encoder must give vectors of length {units}, (batch, {units}). "
                f"Received: one that gives the shape {latent.shape}"
            )
        if latent.dtype != "float32":
            latent = keras.ops.cast(latent, "float32")
        if is_variational:
            latent, divergence = posterior(latent, image)
        conditions = {"embedding": latent}
        if latent_map is not None:
            conditions["spatial"] = latent_map(latent)
        if condition_dropout:
            conditions[HAS_CONDITION] = keras.ops.ones_like(image[:, 0, 0, 0])
        outputs = decoder({"image": image, **conditions})
        if is_variational:
            outputs = {"parameters": outputs, "kl_divergence": divergence}
        super().__init__(
            inputs={"image": image},
            outputs=outputs,
            image_shape=image_shape,
            likelihood=decoder.pixel_likelihood,
            metric_name="elbo_bits_per_dim" if is_variational else "bits_per_dim",
            dtype=dtype,
            name=name,
            trainable=trainable,
        )

        # === Config ===
        self.latent_dim = latent_dim
        self.encoder_filters = encoder_filters
        self.map_filters = map_filters
        self.beta = beta
        self.posterior_layer = posterior
        self.encoder = encoder
        self.has_own_encoder = has_own_encoder
        self.latent_map = latent_map
        self.decoder = decoder

    @property
    def is_variational(self) -> bool:
        """Whether the latent is drawn from a posterior: whether beta is above 0."""
        return self.posterior_layer is not None

    def losses_per_image(
        self, outputs: Any, features: Mapping[str, tf.Tensor]
    ) -> ImageLosses:
        """Computes the bits per dimension of each image, or bounds on them."""
        if not self.is_variational:
            return super().losses_per_image(outputs, features)
        nats = self.pixel_likelihood.image_log_prob(
            outputs["parameters"], features["image"]
        )
        divergence = outputs["kl_divergence"]
        return ImageLosses(
            bits_per_dim(nats - self.beta * divergence, self.num_dims),
            bits_per_dim(nats - divergence, self.num_dims),
        )

    # Images to latents.

    def image_latent(self, image: tf.Tensor) -> tf.Tensor:
        """Encodes images that are checked, in one pass: float32 (batch, d)."""
        statistics = tf.cast(self.encoder(image), tf.float32)
        if not self.is_variational:
            return statistics
        return self.posterior_layer.split(statistics)[0]

    @verb()
    def encode(self, image: Any, batch_size: int = 128) -> tf.Tensor:
        """Encodes images as latents; with beta above 0 as their posteriors' means.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            batch_size: images encoded in one pass. Default 128.

        Returns:
            float32 tensor (batch, latent_dim).

        Raises:
            ValueError: when the images are not as said.
        """
        return latents.encode(self, image, batch_size)

    # Latents to images.

    @verb()
    def latent_conditions(self, latent: Any) -> dict[str, tf.Tensor]:
        """Returns the decoder's conditions for latents, by name.

        Args:
            latent: floats (latent_dim,), or (batch, latent_dim).

        Returns:
            "embedding", the latents; with `map_filters` also "spatial", their maps.

        Raises:
            ValueError: when the latents are not as said.
        """
        latent = latents.check_latent(latent, self.latent_dim)
        if self.latent_map is None:
            return {"embedding": latent}
        spatial = self.latent_map(tf.reshape(latent, [-1, self.latent_dim]))
        is_single = latent.shape.rank == 1
        return {"embedding": latent, "spatial": spatial[0] if is_single else spatial}

    @verb(*OPTIONS)
    def decode(
        self,
        latent: Any,
        seed: Any = None,
        temperature: Any = 1.0,
        *,
        num_samples: int | None = None,
        **options: Any,
    ) -> tf.Tensor:
        """Samples images of latents: other ones for each seed, all of the same latent.

        Args:
            latent: floats (latent_dim,) for all images, or (batch, latent_dim), one for
                each.
            seed: one integer for the call, or one per image. Default: drawn at random.
            temperature: as for `GatedPixelCNN.sample`.
            num_samples: number of images. Default: as many as there are latents.
            **options: as there: top_p, guidance_scale, sampler, jit_compile.

        Returns:
            Integers in [0, num_levels), (num_samples, height, width, channels), uint8
            where they fit, else int32.

        Raises:
            ValueError: when an argument is not as said.
        """
        conditions = self.latent_conditions(latent)
        return self.decoder.sample(
            num_samples, seed, temperature, **conditions, **options
        )

    @verb(*OPTIONS)
    def reconstruct(
        self, image: Any, seed: Any = None, temperature: Any = 1.0, **options: Any
    ) -> tf.Tensor:
        """Samples an image of each image's latent: `decode` of `encode`.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            seed: as for `decode`.
            temperature: as for `decode`.
            **options: as for `decode`.

        Returns:
            Images like those of `decode`, (batch, height, width, channels).

        Raises:
            ValueError: when an argument is not as said.
        """
        latent = self.encode(image)
        return self.decode(latent, seed, temperature, **options)

    @verb("temperature", *OPTIONS)
    def interpolate(
        self,
        image_a: Any,
        image_b: Any,
        steps: int = 8,
        seed: Any = None,
        method: str = "linear",
        **options: Any,
    ) -> tf.Tensor:
        """Samples images on the way from one image's latent to another's.

        All images of a row have the same noise, so that only the latent differs.

        Args:
            image_a: integers in [0, num_levels), (height, width, channels), or (rows,
                height, width, channels) for several rows.
            image_b: the same.
            steps: images of a row, both ends included; at least 2. Default 8.
            seed: one integer for the call, or one per row. Default: drawn at random.
            method: "linear" or "spherical".
            **options: temperature, and as for `decode`.

        Returns:
            Images like those of `decode`, (steps, height, width, channels), or (rows,
            steps, height, width, channels) for several rows.

        Raises:
            ValueError: when an argument is not as said.
        """
        ends = latents.latents_of_ends(self, image_a, image_b)
        way = interpolate_embeddings(*ends, steps, method)
        rows = tf.shape(way)[0] if way.shape.rank == 3 else 1
        seeds = tf.repeat(request_validation.prepare_seeds(seed, rows), steps)
        options = {
            name: request_validation.repeat_each(value, None, steps)
            for name, value in options.items()
        }
        images = self.decode(tf.reshape(way, [-1, self.latent_dim]), seeds, **options)
        return tf.reshape(images, tf.concat([tf.shape(way)[:-1], self.image_shape], 0))

    @verb()
    def sample(
        self, num_samples: int = 1, seed: Any = None, temperature: Any = 1.0
    ) -> tf.Tensor:
        """Samples images of latents that are sampled from N(0, I): of beta above 0.

        Args:
            num_samples: number of images. Default 1.
            seed: as for `decode`.
            temperature: of the pixels, as for `decode`.

        Returns:
            Images like those of `decode`.

        Raises:
            ValueError: when beta is 0, so that nobody knows which latents are likely;
                or when an argument is not as said.
        """
        self._check_variational("sample")
        num_samples = request_validation.prepare_num_samples(num_samples)
        seeds = request_validation.prepare_seeds(seed, num_samples)
        latent = example_normals(seeds, [self.latent_dim])
        return self.decode(latent, seeds, temperature, num_samples=num_samples)

    # Scores, and bounds on them.

    def image_posterior(self, image: tf.Tensor) -> Any:
        """Returns q(z | x) of images that are checked; see `posterior`."""
        size = image.shape[0] or tf.shape(image)[0]
        statistics = self.encoder(at_least_one(image))[:size]
        return self.posterior_layer.distribution(statistics)

    @verb()
    def posterior(self, image: Any) -> Any:
        """Returns q(z | x), the distribution of the latents of images.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).

        Returns:
            A `tfd.MultivariateNormalDiag` of batch shape (batch,) and event shape
            (latent_dim,).

        Raises:
            ValueError: when beta is 0, or the images are not as said.
        """
        self._check_variational("posterior")
        return self.image_posterior(latents.levels_of(self, image))

    @verb()
    def log_prob(  # type: ignore[override]  # images alone: there are no conditions
        self,
        image: Any,
        batch_size: int = 128,
        validate_args: bool = True,
        reduce: bool = True,
    ) -> tf.Tensor:
        """Computes log p(x | z = f(x)) of each image, given its own latent.

        Not the log probability of the image by itself, which would have to pay for the
        latent too: over all images these do not sum to 1. Given any one latent they do;
        see `decoder.log_prob(image, **latent_conditions(latent))`.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            batch_size: images scored in one pass. Default 128.
            validate_args: as for `GatedPixelCNN.log_prob`. Default True.
            reduce: the same. Default True.

        Returns:
            float32 tensor (batch,), or one for each value where `reduce` is False, in
            nats. `keras_pixelcnn.bits_per_dim` converts.

        Raises:
            ValueError: when beta is above 0: log p(x) is then an integral over z, on
                which `elbo` and `importance_weighted_log_prob` are bounds; or when the
                images are not as said.
        """
        if self.is_variational:
            raise ValueError(
                "log_prob is of beta=0: with beta above 0 log p(x) is an integral over "
                "the latent. Use elbo, a lower bound, or importance_weighted_log_prob, "
                "a tighter one. For log p(x | z) given a latent use "
                "decoder.log_prob(image, **latent_conditions(latent)). "
                f"Received: beta={self.beta}"
            )
        return super().log_prob(image, batch_size, validate_args, reduce)

    @verb()
    def elbo(
        self, image: Any, num_samples: int = 1, seed: Any = None, batch_size: int = 128
    ) -> tf.Tensor:
        """Estimates E[log p(x | z)] - KL(q(z | x), N(0, I)), a lower bound on log p(x).

        The expectation is estimated by draws; the divergence is exact. `beta` has no
        part in it.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            num_samples: draws of each image. Default 1.
            seed: one integer for the call, or one per image. Default: drawn at random.
            batch_size: images scored in one pass. Default 128.

        Returns:
            float32 tensor (batch,), in nats.

        Raises:
            ValueError: when beta is 0, or an argument is not as said.
        """
        self._check_variational("elbo")
        bound = bounds.evidence_lower_bound
        return bounds.estimate(self, bound, image, num_samples, seed, batch_size)

    @verb()
    def importance_weighted_log_prob(
        self, image: Any, num_samples: int = 64, seed: Any = None, batch_size: int = 128
    ) -> tf.Tensor:
        """Estimates log p(x) from below by importance sampling, ever closer.

        With one draw its mean is the `elbo`; it rises to log p(x) with their number.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            num_samples: draws of each image. Default 64.
            seed: one integer for the call, or one per image. Default: drawn at random.
            batch_size: images scored in one pass. Default 128.

        Returns:
            float32 tensor (batch,), in nats.

        Raises:
            ValueError: when beta is 0, or an argument is not as said.

        References:
            Burda, Grosse and Salakhutdinov 2015, arXiv 1509.00519.
        """
        self._check_variational("importance_weighted_log_prob")
        bound = bounds.importance_weighted_bound
        return bounds.estimate(self, bound, image, num_samples, seed, batch_size)

    def _check_variational(self, verb: str) -> None:
        if not self.is_variational:
            raise ValueError(
                f"{verb} is of models with beta above 0, whose latents are drawn from "
                f"a posterior. Received: beta={self.beta}"
            )

    def multiply_adds(self) -> int:
        """Counts the multiply-adds of one image; see `flops`."""
        if not hasattr(self.encoder, "multiply_adds"):
            raise NotImplementedError(
                f"{type(self.encoder).__name__} does not count its multiply-adds: "
                "give it the method multiply_adds of ImageEncoder to have flops."
            )
        shape = (None, *self.image_shape)
        total = self.encoder.multiply_adds(shape) + self.decoder.multiply_adds()
        if self.latent_map is None:
            return total
        return total + self.latent_dim * math.prod(self.decoder.spatial_shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        decoder, encoder = self.decoder, None
        if self.has_own_encoder:
            encoder = keras.saving.serialize_keras_object(self.encoder)
        return {
            **super().get_config(),
            "latent_dim": self.latent_dim,
            "encoder_filters": self.encoder_filters,
            "filters": decoder.filters,
            "num_blocks": decoder.num_blocks,
            "kernel_size": decoder.kernel_size,
            "first_kernel_size": decoder.first_kernel_size,
            "head_filters": decoder.head_filters,
            "dropout_rate": decoder.dropout_rate,
            "gradient_checkpointing": decoder.gradient_checkpointing,
            "positions": decoder.positions,
            "vertical_gain": decoder.vertical_gain,
            "map_filters": self.map_filters,
            "condition_dropout": decoder.condition_dropout,
            "beta": self.beta,
            "encoder": encoder,
        }
