"""What a classifier of real images takes decoded codes for."""

from typing import Any

import numpy as np

import keras_pixelcnn as kp
from trainers.scoring.classifier_accuracy import draw_by_class, make_classifier
from trainers.vq.splits import Split
from trainers.vq.vq_vae import VQVAE

GUIDANCE_SCALE = 1.5
_MOST_TRAIN, _MOST_TEST = 10_000, 2_000
_NUM_SAMPLES, _DRAWN_AT_ONCE = 500, 100


def judge_codes(
    vq_vae: VQVAE,
    prior: kp.AutoregressiveImageModel,
    train: Split,
    test: Split,
    seed: int,
    num_samples: int = _NUM_SAMPLES,
) -> dict[str, Any] | None:
    """The shares of images that a classifier takes for their class.

    It is that of `trainers.judge`, and learns from at most 10,000 images.

    Args:
        vq_vae: what decodes.
        prior: over its codes.
        train: real images to learn from.
        test: others; at most 2,000 of them are judged.
        seed: of the samples.
        num_samples: number of samples, labels in turn. Default 500.

    Returns:
        The numbers of images, and the shares from 0 to 1: "test_accuracy" of real
        images, "reconstruction_accuracy" of the same by way of their codes,
        "sample_accuracy", and with a prior that was trained with condition_dropout
        "guided_sample_accuracy", of samples with the "guidance_scale" named. None
        without labels, or where the training images have one label only.
    """
    if train.label is None or len(np.unique(train.label)) < 2:
        return None
    train, test = _some(train, _MOST_TRAIN), _some(test, _MOST_TEST)
    classifier = make_classifier(vq_vae.num_levels)
    classifier.fit(_rows(train.image), train.label)

    def share(images: np.ndarray, labels: np.ndarray) -> float:
        return float(classifier.score(_rows(images), labels))

    def sample_share(**options: Any) -> float:
        labels, codes = draw_by_class(
            prior, num_samples, _DRAWN_AT_ONCE, seed, **options
        )
        return share(vq_vae.decode(codes), labels)

    judged = {
        "train_images": len(train.image),
        "test_images": len(test.image),
        "samples": num_samples,
        "test_accuracy": share(test.image, test.label),
        "reconstruction_accuracy": share(
            vq_vae.decode(vq_vae.encode(test.image)), test.label
        ),
        "sample_accuracy": sample_share(),
    }
    if prior.conditions.optional:
        judged["guidance_scale"] = GUIDANCE_SCALE
        judged["guided_sample_accuracy"] = sample_share(guidance_scale=GUIDANCE_SCALE)
    return judged


def _some(split: Split, most: int) -> Split:
    """At most so many, chosen at random, always the same ones."""
    if len(split.image) <= most:
        return split
    picks = np.random.default_rng(0).choice(len(split.image), most, replace=False)
    return Split(split.image[picks], split.label[picks])


def _rows(images: np.ndarray) -> np.ndarray:
    return np.reshape(images, (len(images), -1))
