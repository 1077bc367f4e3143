"""A classifier of real images, and what it takes a model's samples for."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from trainers.scoring.scoring import check_labels, check_takes_only_label


class Judgement(NamedTuple):
    """How well the classifier does on real images, and what it says of samples.

    `labels` are the classes that samples were drawn as, `found` those that they are
    taken for, both (num_samples,).
    """

    num_train: int
    num_test: int
    test_accuracy: float
    labels: np.ndarray
    found: np.ndarray
    num_classes: int

    @property
    def agreement(self) -> float:
        """The share of samples that are taken for their class."""
        return float(np.mean(self.labels == self.found))


def judge(
    model: kp.AutoregressiveImageModel,
    train: tf.data.Dataset,
    test: tf.data.Dataset,
    num_samples: int,
    *,
    max_train: int = 20_000,
    batch_size: int = 64,
    seed: int = 0,
    **options: Any,
) -> Judgement:
    """Trains a classifier on real images, and lets it judge a model's samples.

    Args:
        model: one whose only condition is the label.
        train: real examples to learn from, single ones of {"image", "label"}, of known
            number.
        test: others to measure the classifier on.
        num_samples: number of samples; labels are taken in turn.
        max_train: learns from at most so many images, chosen at random, always the
            same ones. Default 20,000.
        batch_size: images drawn at once; bounds the memory. Default 64.
        seed: of the samples. Default 0.
        **options: as for the model's `sample`: temperature, top_p, guidance_scale.

    Raises:
        ValueError: when the model takes no label, the data's labels are none of its, or
            an option is out of its range.
    """
    check_takes_only_label(model)
    # First, so that a wrong option is told before the classifier learns.
    labels, samples = draw_by_class(model, num_samples, batch_size, seed, **options)
    classifier = make_classifier(model.num_levels)
    images, classes = _as_arrays(model, _choose(train, max_train))
    classifier.fit(images, classes)
    test_images, test_classes = _as_arrays(model, test)
    return Judgement(
        len(images),
        len(test_images),
        float(classifier.score(test_images, test_classes)),
        labels,
        classifier.predict(samples.reshape(num_samples, -1)),
        model.conditions.num_classes,
    )


def draw_by_class(
    model: kp.AutoregressiveImageModel,
    num_samples: int,
    batch_size: int,
    seed: int,
    **options: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Draws images of all classes in turn.

    Args:
        model: one whose only condition is the label.
        num_samples: number of samples.
        batch_size: images drawn at once; the images do not depend on it.
        seed: of the samples.
        **options: as for the model's `sample`.

    Returns:
        The labels, (num_samples,), and the images of them.
    """
    labels = np.arange(num_samples) % model.conditions.num_classes
    seeds = kp.example_seeds(seed, num_samples).numpy()
    samples = [
        model.sample(seed=seeds[part], label=labels[part], **options).numpy()
        for part in _slices(num_samples, batch_size)
    ]
    return labels, np.concatenate(samples)


def _slices(total: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, total, size)]


def make_classifier(num_levels: int) -> Any:
    """A scikit-learn classifier of rows of levels, which has learned nothing yet.

    Args:
        num_levels: pixel values are integers in [0, num_levels).
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.svm import SVC

    # All pixels alike: those that hardly vary would else count as much as the others.
    scale = FunctionTransformer(lambda pixels: pixels / (num_levels - 1))
    return make_pipeline(scale, SVC(kernel="rbf", C=10.0))


def _choose(examples: tf.data.Dataset, most: int) -> tf.data.Dataset:
    total = int(examples.cardinality())
    if total <= most:
        return examples
    chosen = np.zeros(total, bool)
    chosen[np.random.default_rng(0).choice(total, most, replace=False)] = True
    pairs = tf.data.Dataset.zip(examples, tf.data.Dataset.from_tensor_slices(chosen))
    return pairs.filter(lambda _, kept: kept).map(lambda example, _: example)


def _as_arrays(
    model: kp.AutoregressiveImageModel, examples: tf.data.Dataset
) -> tuple[np.ndarray, np.ndarray]:
    batches = list(examples.batch(256).as_numpy_iterator())
    images = np.concatenate([batch["image"] for batch in batches])
    labels = np.concatenate([batch["label"] for batch in batches])
    check_labels(model, labels)
    return images.reshape(len(images), -1), labels


def format_judgement(judgement: Judgement) -> str:
    """The shares, to be read.

    Args:
        judgement: what `judge` returns.
    """
    lines = [
        f"classifier        trained on {judgement.num_train} real images",
        f"real images       {judgement.test_accuracy:.4f} of {judgement.num_test} "
        "are taken for their class",
        f"samples           {judgement.agreement:.4f} of {len(judgement.labels)} "
        "are taken for their class",
    ]
    for label in range(judgement.num_classes):
        found = judgement.found[judgement.labels == label]
        share = f"{np.mean(found == label):.4f}" if len(found) else f"{'-':6}"
        lines.append(f"  class {label:<10}{share} of {len(found)}")
    return "\n".join(lines)
