"""The accuracy of a classifier of real images on a model's samples."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from trainers.runs.data import as_arrays, in_batches
from trainers.scoring.scoring import check_labels, check_takes_only_label


class ClassifierAccuracy(NamedTuple):
    """A classifier's accuracy on real test images, and its predictions of samples.

    `labels` are the classes that were sampled, `found` those that the classifier
    predicts, both (num_samples,).
    """

    num_train: int
    num_test: int
    test_accuracy: float
    labels: np.ndarray
    found: np.ndarray
    num_classes: int

    @property
    def sample_accuracy(self) -> float:
        """The share of samples whose class the classifier finds."""
        return float(np.mean(self.labels == self.found))


def measure(
    model: kp.AutoregressiveImageModel,
    train: tf.data.Dataset,
    test: tf.data.Dataset,
    num_samples: int,
    *,
    max_train: int = 20_000,
    batch_size: int = 64,
    seed: int = 0,
    **options: Any,
) -> ClassifierAccuracy:
    """Trains a classifier on real images, and applies it to a model's samples.

    Args:
        model: one whose only condition is the label.
        train: real examples to learn from, single ones of {"image", "label"}, of known
            number.
        test: others to measure the classifier on.
        num_samples: number of samples; labels are taken in turn.
        max_train: learns from at most so many images, chosen at random, always the
            same ones. Default 20,000.
        batch_size: images sampled at once; bounds the memory. Default 64.
        seed: of the samples. Default 0.
        **options: as for the model's `sample`: temperature, top_p, guidance_scale.

    Raises:
        ValueError: when the model takes no label, the data's labels are none of its, or
            an option is out of its range.
    """
    check_takes_only_label(model)
    # First, so that a wrong option is told before the classifier learns.
    labels, samples = sample_by_class(model, num_samples, batch_size, seed, **options)
    learnt, tested = as_arrays(train).choose(max_train), as_arrays(test)
    for images in (learnt, tested):
        check_labels(model, images.label)
    classifier = make_classifier(model.num_levels).fit(*learnt)
    return ClassifierAccuracy(
        len(learnt.image),
        len(tested.image),
        float(classifier.score(*tested)),
        labels,
        classifier.predict(samples),
        model.conditions.num_classes,
    )


def sample_by_class(
    model: kp.AutoregressiveImageModel,
    num_samples: int,
    batch_size: int,
    seed: int,
    **options: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Samples images of all classes in turn.

    Args:
        model: one whose only condition is the label.
        num_samples: number of samples.
        batch_size: images sampled at once; the images do not depend on it.
        seed: of the samples.
        **options: as for the model's `sample`.

    Returns:
        The labels, (num_samples,), and the images of them.
    """
    labels = np.arange(num_samples) % model.conditions.num_classes
    seeds = kp.example_seeds(seed, num_samples).numpy()
    samples = in_batches(
        lambda seed, label: model.sample(seed=seed, label=label, **options),
        batch_size,
        seeds,
        labels,
    )
    return labels, samples


def make_classifier(num_levels: int) -> Any:
    """Returns an untrained scikit-learn classifier of images (n, ...) of levels."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.svm import SVC

    # All pixels alike: those that hardly vary would else count as much as the others.
    rows = FunctionTransformer(lambda x: x.reshape(len(x), -1) / (num_levels - 1))
    return make_pipeline(rows, SVC(kernel="rbf", C=10.0))


def format_table(
    accuracy: ClassifierAccuracy, names: Sequence[str] | None = None
) -> str:
    """Returns the accuracies as a table.

    Args:
        accuracy: what `measure` returns.
        names: what the classes are called. Default: by their numbers.
    """
    names = names or [f"class {label}" for label in range(accuracy.num_classes)]
    width = max(16, *(len(name) + 2 for name in names))
    lines = [
        f"classifier        trained on {accuracy.num_train} real images",
        f"real images       {accuracy.test_accuracy:.4f} of {accuracy.num_test} "
        "are taken for their class",
        f"samples           {accuracy.sample_accuracy:.4f} of {len(accuracy.labels)} "
        "are taken for their class",
    ]
    for label in range(accuracy.num_classes):
        found = accuracy.found[accuracy.labels == label]
        share = f"{np.mean(found == label):.4f}" if len(found) else f"{'-':6}"
        lines.append(f"  {names[label]:<{width}}{share} of {len(found)}")
    return "\n".join(lines)
