"""Bounds on log p(x) of an auto-encoder whose latent is drawn at random."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from keras_pixelcnn.checks import check_integer, sizes_of
from keras_pixelcnn.models.autoencoder.gaussian_posterior import standard_normal
from keras_pixelcnn.models.autoencoder.latents import levels_of
from keras_pixelcnn.models.base import request_validation
from keras_pixelcnn.models.base.input_data import in_passes
from keras_pixelcnn.samplers import example_normals

if TYPE_CHECKING:
    from keras_pixelcnn.models.autoencoder.pixelcnn_autoencoder import (
        PixelCNNAutoencoder,
    )

Bound = Callable[[tf.Tensor, tf.Tensor, Any, Any], tf.Tensor]


def evidence_lower_bound(
    nats: tf.Tensor, latents: tf.Tensor, posterior: Any, prior: Any
) -> tf.Tensor:
    """Computes the mean of log p(x | z) over samples of z, less KL(q(z | x), p(z)).

    Args:
        nats: log p(x | z) of each draw, (num_samples, batch).
        latents: the draws z, (num_samples, batch, d).
        posterior: q(z | x), a distribution of batch shape (batch,).
        prior: p(z).

    Returns:
        float32 tensor (batch,), in nats.
    """
    return tf.reduce_mean(nats, axis=0) - posterior.kl_divergence(prior)


def importance_weighted_bound(
    nats: tf.Tensor, latents: tf.Tensor, posterior: Any, prior: Any
) -> tf.Tensor:
    """Computes the log of the mean of the importance weights p(x | z) p(z) / q(z | x).

    References:
        Burda, Grosse and Salakhutdinov 2015, arXiv 1509.00519, equation 8.
    """
    log_weights = nats + prior.log_prob(latents) - posterior.log_prob(latents)
    num_samples = int(latents.shape[0])
    return tf.reduce_logsumexp(log_weights, axis=0) - math.log(num_samples)


def estimate(
    model: "PixelCNNAutoencoder",
    bound: Bound,
    image: Any,
    num_samples: int,
    seed: Any,
    batch_size: int,
) -> tf.Tensor:
    """Estimates a bound on the log probability of each image by posterior samples.

    Args:
        model: one with beta above 0.
        bound: one of this module.
        image: integers in [0, num_levels), (batch, height, width, channels).
        num_samples: draws of each image.
        seed: one for the call, or one per image.
        batch_size: images in one pass.

    Raises:
        ValueError: when an argument is not as said.
    """
    check_integer("num_samples", num_samples)
    image = levels_of(model, image)
    seeds = request_validation.prepare_seeds(seed, sizes_of(image)[0])

    def run(features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        image = features["image"]
        posterior = model.image_posterior(image)
        prior = standard_normal(model.latent_dim)
        noise = example_normals(features["seed"], [num_samples, model.latent_dim])
        latents = posterior.mean() + posterior.stddev() * tf.transpose(noise, [1, 0, 2])

        def score(latent: tf.Tensor) -> tf.Tensor:
            return model.decoder.log_prob(image, **model.latent_conditions(latent))

        # One draw of all images after the other: memory stays that of one pass.
        signature = tf.TensorSpec(image.shape[:1], tf.float32)
        nats = tf.map_fn(score, latents, fn_output_signature=signature)
        return bound(nats, latents, posterior, prior)

    key = (bound.__name__, num_samples)
    features = {"image": image, "seed": seeds}
    return in_passes(model, key, run, features, batch_size)
