"""Measures of a latent: what another image's costs the decoder, what a probe finds."""

import functools
import warnings
from typing import Any, NamedTuple

import numpy as np

import keras_pixelcnn as kp
from trainers.runs.data import LabelledImages, in_batches
from trainers.scoring.classifier_accuracy import make_classifier
from trainers.scoring.scoring import mean_bits_per_dim

LEAST_BITS = 1.0
"""Bits per image that the right latent must save over another image's, on average.

A decoder that ignores its latent saves exactly none; a latent that tells one of two
equally frequent kinds of images apart, and no more, saves about one.
"""


class LatentUse(NamedTuple):
    """Mean bits per dimension given the right latent and given another image's.

    Attributes:
        bits_per_dim: of each image given its own latent.
        shuffled_bits_per_dim: of each image given another image's latent.
        num_dims: height x width x channels.
    """

    bits_per_dim: float
    shuffled_bits_per_dim: float
    num_dims: int

    @property
    def bits_saved(self) -> float:
        """The bits per image that its own latent saves over another image's."""
        return (self.shuffled_bits_per_dim - self.bits_per_dim) * self.num_dims

    @property
    def is_collapsed(self) -> bool:
        """Whether the decoder ignores the latent: saves less than `LEAST_BITS`."""
        return self.bits_saved < LEAST_BITS

    def verdict(self) -> str:
        """Returns a sentence that says whether the latent is used."""
        saved = f"{self.bits_saved:.1f} bits an image"
        if self.is_collapsed:
            return (
                "COLLAPSED: the decoder ignores the latent, which saves it "
                f"{saved} over another image's (at least {LEAST_BITS:g} would show "
                "that it listens). Make the decoder smaller, train longer, or lower "
                "beta."
            )
        return f"The decoder uses the latent, which saves it {saved} over another's."


def measure(
    model: kp.PixelCNNAutoencoder, images: np.ndarray, batch_size: int
) -> LatentUse:
    """Scores images given their own latents, and given those of others.

    Args:
        model: with beta above 0 the latents are the means of its posteriors.
        images: at least two, integers (images, height, width, channels).
        batch_size: images scored at once.

    Raises:
        ValueError: when there are fewer than two images.
    """
    if len(images) < 2:
        raise ValueError(
            "There must be at least two images, to give one the other's latent. "
            f"Received: {len(images)}"
        )
    latent = model.encode(images, batch_size).numpy()
    # Each gets the latent of its neighbour in a random circle, and none its own.
    circle = np.random.default_rng(0).permutation(len(images))
    shuffled = np.empty_like(latent)
    shuffled[circle] = latent[np.roll(circle, 1)]
    bits = []
    for given in (latent, shuffled):
        conditions = model.latent_conditions(given)
        nats = model.decoder.log_prob(images, batch_size=batch_size, **conditions)
        bits.append(mean_bits_per_dim(nats, model))
    return LatentUse(*bits, model.num_dims)


def probe_accuracy(
    model: Any, train: LabelledImages, test: LabelledImages
) -> float | None:
    """Returns the accuracy of a logistic regression from latents to labels.

    It learns on training images, from latents scaled to unit variance, and is measured
    on test images.

    Args:
        model: with `encode`.
        train: images to learn from.
        test: images to measure on.

    Returns:
        The share of test images whose label it finds; None without labels, or with only
        one class of them.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    labels = np.concatenate([train.label, test.label])
    if labels.min() < 0 or len(np.unique(train.label)) < 2:
        return None
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    with warnings.catch_warnings():
        # Latents in which classes lie apart let the weights grow without end.
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit(model.encode(train.image).numpy(), train.label)
    return float(probe.score(model.encode(test.image).numpy(), test.label))


def reconstruction_accuracy(
    model: kp.PixelCNNAutoencoder,
    train: LabelledImages,
    test: LabelledImages,
    num_images: int,
    seed: int = 0,
    **options: Any,
) -> tuple[float, float] | None:
    """Returns how often a classifier of real images finds the class of what is kept.

    Args:
        model: what reconstructs the images; they have its size and levels.
        train: images that the classifier learns from.
        test: images to reconstruct, once each.
        num_images: at most so many of `test`, chosen at random, always the same ones.
        seed: of the samples. Default 0.
        **options: of `reconstruct`.

    Returns:
        The shares of reconstructions, and of the images themselves, that are taken for
        the image's class; None without labels, or with only one class of them.
    """
    labels = np.concatenate([train.label, test.label])
    if labels.min() < 0 or len(np.unique(train.label)) < 2:
        return None
    test = test.choose(num_images)
    classifier = make_classifier(model.num_levels).fit(*train)
    seeds = kp.example_seeds(seed, len(test.image)).numpy()
    reconstruct = functools.partial(model.reconstruct, **options)
    drawn = in_batches(reconstruct, 64, test.image, seeds)
    found = classifier.score(drawn, test.label)
    return float(found), float(classifier.score(*test))
