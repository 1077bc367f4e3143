"""Caption accuracy: the share of samples that show what their captions say."""

from typing import Any, NamedTuple

import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn.datasets import captions, shape_finding
from trainers.runs.data import in_batches


class CaptionAccuracy(NamedTuple):
    """Shares of samples, each of which asks for what the one before does, and more.

    Attributes:
        kinds: the right colours of the right shapes, and nothing else.
        counts: as many of each, of the right size.
        places: every shape where the caption wants it.
        images: the samples, (num_samples, height, width, channels).
        captions: what each was to show.
    """

    kinds: float
    counts: float
    places: float
    images: np.ndarray
    captions: list[str]


def measure(
    model: kp.AutoregressiveImageModel,
    num_samples: int = 500,
    split: str = "test",
    batch_size: int = 100,
    seed: int = 0,
    **options: Any,
) -> CaptionAccuracy:
    """Samples a picture for each of the first captions of a split, and checks it.

    Args:
        model: trained on the data set "captions".
        num_samples: how many. Default 500.
        split: "test", of combinations that no training picture shows, or another.
            Default "test".
        batch_size: pictures sampled at once. Default 100.
        seed: of the samples. Default 0.
        **options: as for the model's `sample`: temperature, top_p, guidance_scale.

    Raises:
        ValueError: when the model takes no captions or has other images.
    """
    form = captions.IMAGE_SHAPE, captions.NUM_LEVELS
    is_right = (model.image_shape, model.num_levels) == form
    if model.conditions.names != ["caption"] or not is_right:
        raise ValueError(
            "The model must be trained on dataset=captions, and take captions and "
            f"nothing else. Received: a model of {model.image_shape} images and "
            f"{model.num_levels} levels that takes {model.conditions.names}"
        )
    _, scenes = captions.make_examples(split, num_samples)
    asked = [scene.caption for scene in scenes]
    images = in_batches(
        lambda seed, caption: model.sample(len(seed), seed, caption=caption, **options),
        batch_size,
        kp.example_seeds(seed, num_samples).numpy(),
        asked,
    )
    verdicts = [shape_finding.check(*pair) for pair in zip(scenes, images, strict=True)]
    shares = np.mean(verdicts, axis=0)
    return CaptionAccuracy(*map(float, shares), images, asked)
