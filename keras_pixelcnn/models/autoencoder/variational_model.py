"""VariationalModel: a likelihood given a latent, which may be drawn at random."""

import numbers
from typing import Any

import numpy as np
import tensorflow as tf

from keras_pixelcnn.metrics import bits_per_dim
from keras_pixelcnn.models.autoencoder import bounds, latents
from keras_pixelcnn.models.autoencoder.gaussian_posterior import GaussianPosterior
from keras_pixelcnn.models.base.features import at_least_one
from keras_pixelcnn.models.base.image_model import ImageLosses
from keras_pixelcnn.models.base.scoring_model import ScoringModel


class VariationalModel(ScoringModel):
    """p(x | z) with an encoder, and bounds on p(x) where it gives a distribution of z.

    A subclass has an `encoder`, from images to z or to the statistics of its posterior,
    `latent_dim`, and a `decoder` that takes the `latent_conditions` of z; see
    `PixelCNNAutoencoder`.

    Args:
        posterior: what draws z. Default None: z is what the encoder says.
        beta: weight of the posterior's divergence from the prior; 0 without one.
        **kwargs: as for `LikelihoodModel`. With a posterior the outputs are a dict of
            "parameters" and "kl_divergence".
    """

    own_loss = "its own likelihood, or a bound on it, in bits per dimension"

    def __init__(
        self,
        *,
        posterior: GaussianPosterior | None = None,
        beta: float = 0.0,
        **kwargs: Any,
    ) -> None:
        name = "bits_per_dim" if posterior is None else "elbo_bits_per_dim"
        super().__init__(metric_name=name, **kwargs)
        self.beta = check_beta(beta)
        self.posterior_layer = posterior

    @property
    def is_variational(self) -> bool:
        """Whether the latent is drawn from a posterior: whether beta is above 0."""
        return self.posterior_layer is not None

    def image_losses(self, outputs: Any, image: tf.Tensor) -> ImageLosses:
        """Bits/dim of each image and its log probability; or bounds on them."""
        if not self.is_variational:
            return super().image_losses(outputs, image)
        nats = self.pixel_likelihood.image_log_prob(outputs["parameters"], image)
        divergence = outputs["kl_divergence"]
        loss = bits_per_dim(nats - self.beta * divergence, self.num_dims)
        return ImageLosses(loss, nats - divergence)

    def image_posterior(self, image: tf.Tensor) -> Any:
        """q(z | x) of images that are checked, in one pass; see `posterior`."""
        size = image.shape[0] or tf.shape(image)[0]
        statistics = self.encoder(at_least_one(image))[:size]
        return self.posterior_layer.distribution(statistics)

    @tf.autograph.experimental.do_not_convert
    def posterior(self, image: Any) -> Any:
        """q(z | x), the distribution that the latents of images are drawn from.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).

        Returns:
            A `tfd.MultivariateNormalDiag` of batch shape (batch,) and event shape
            (latent_dim,).

        Raises:
            ValueError: when beta is 0, or the images are not as said.
        """
        self._check_variational("posterior")
        return self.image_posterior(latents.checked_images(self, image))

    @tf.autograph.experimental.do_not_convert
    def log_prob(
        self,
        image: Any,
        batch_size: int = 128,
        validate_args: bool = True,
        reduce: bool = True,
    ) -> tf.Tensor:
        """Log p(x | z = f(x)): of each image, given what its own latent tells of it.

        Not the log probability of the image by itself, which would have to pay for the
        latent too: over all images these do not sum to 1. Given any one latent they do;
        see `decoder.log_prob(image, **latent_conditions(latent))`.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            batch_size: images scored in one pass. Default 128.
            validate_args: as for `GatedPixelCNN.log_prob`. Default True.
            reduce: the same. Default True.

        Returns:
            float32 tensor (batch,), or (batch, height, width, channels) where `reduce`
            is False, in nats. `keras_pixelcnn.bits_per_dim` converts.

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

    @tf.autograph.experimental.do_not_convert
    def elbo(
        self, image: Any, num_samples: int = 1, seed: Any = None, batch_size: int = 128
    ) -> tf.Tensor:
        """E[log p(x | z)] - KL(q(z | x), N(0, I)): a lower bound on log p(x).

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

    @tf.autograph.experimental.do_not_convert
    def importance_weighted_log_prob(
        self, image: Any, num_samples: int = 64, seed: Any = None, batch_size: int = 128
    ) -> tf.Tensor:
        """An estimate of log p(x) that is at most as large on average, and converges.

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


def check_beta(beta: Any) -> float:
    """The weight of a divergence, a finite number of at least 0.

    Raises:
        ValueError: when it is none.
    """
    is_number = isinstance(beta, numbers.Real)
    if not is_number or not np.isfinite(beta) or beta < 0:
        raise ValueError(
            f"beta must be a finite number of at least 0. Received: beta={beta!r}"
        )
    return float(beta)
