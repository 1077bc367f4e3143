"""Orders of training images, as pure functions of seed, epoch and step."""

import abc
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import check_integer

SAMPLINGS = ("plain", "class_balanced")
_ORDER, _FLIPS, _TRANSFORM = range(3)
_SHUFFLE_BUFFER = 10_000

Batch = dict[str, np.ndarray]

Transform = Callable[[Batch, np.random.Generator], Batch]
"""Makes of a batch the one that is trained on, by chance that it is given."""


def epoch_generator(
    seed: int, epoch: int, purpose: int, *step: int
) -> np.random.Generator:
    """Returns a generator of random numbers for one purpose in one epoch or step."""
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence([seed, epoch, purpose, *step]))
    )


class TrainingImages(abc.ABC):
    """Batches of training images of one size; an epoch's last few images are left out.

    Attributes:
        steps_per_epoch: number of batches, at least 1.
    """

    steps_per_epoch: int

    @abc.abstractmethod
    def batches(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """Returns the batches of one epoch.

        Args:
            epoch: counted from 0; each has an order of its own.
            first_step: how many batches to leave out, in [0, steps_per_epoch].
        """


class ImagesInMemory(TrainingImages):
    """Images that fit into memory: an epoch is a permutation of all of them.

    Args:
        features: arrays that lead with the number of images, "image" one of them.
        batch_size: images in a batch.
        seed: of the orders.
        sampling: "plain", every image once an epoch; or "class_balanced", every class
            equally often, and within a class every image equally often.
        horizontal_flips: whether half of the images are mirrored, others each epoch.
        transform: what is done to each batch, after mirroring, with random numbers of
            its own step. Default: nothing.

    Raises:
        ValueError: when there are too few images, or no labels to balance.
    """

    def __init__(
        self,
        features: Mapping[str, np.ndarray],
        *,
        batch_size: int,
        seed: int,
        sampling: str = "plain",
        horizontal_flips: bool = False,
        transform: Transform | None = None,
        labels: np.ndarray | None = None,
    ) -> None:
        if sampling not in SAMPLINGS:
            raise ValueError(
                f"sampling must be one of {SAMPLINGS}. Received: {sampling!r}"
            )
        self._features = dict(features)
        self._batch_size = batch_size
        self._seed = seed
        self._horizontal_flips = horizontal_flips
        self._transform = transform or (lambda batch, generator: batch)
        self._classes = None
        if sampling == "class_balanced":
            self._classes = _divide(labels)
        self._count = len(self._features["image"])
        self.steps_per_epoch = _steps(self._count, batch_size)

    def batches(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """See the base class."""
        generator = epoch_generator(self._seed, epoch, _ORDER)
        if self._classes is None:
            order = generator.permutation(self._count)
        else:
            order = balanced_order(self._classes, self._count, generator)
        flips = np.zeros(self._count, bool)
        if self._horizontal_flips:
            flips = epoch_generator(self._seed, epoch, _FLIPS).random(self._count) < 0.5
        for step in range(first_step, self.steps_per_epoch):
            rows = slice(step * self._batch_size, (step + 1) * self._batch_size)
            batch = {name: value[order[rows]] for name, value in self._features.items()}
            generator = epoch_generator(self._seed, epoch, _TRANSFORM, step)
            yield self._transform(_flipped(batch, flips[rows]), generator)


def balanced_order(
    classes: list[np.ndarray], count: int, generator: np.random.Generator
) -> np.ndarray:
    """Returns an order in which every class comes equally often.

    Each run of as many places as there are classes holds each class once. A class's
    images come in permutations: one comes again when all others have come.

    Args:
        classes: for each class the indices of its images, none empty.
        count: length of the order.
        generator: what chance comes from.

    Returns:
        Indices, (count,).
    """
    rounds = -(-count // len(classes))
    columns = []
    for members in classes:
        times = -(-rounds // len(members))
        columns.append(
            np.concatenate([generator.permutation(members) for _ in range(times)])
        )
    table = np.stack([column[:rounds] for column in columns], axis=1)
    return generator.permuted(table, axis=1).reshape(-1)[:count]


class ImagesFromStream(TrainingImages):
    """Images that are read anew each epoch, and shuffled through a buffer.

    To go on inside an epoch, what came before is read and left out.

    Args:
        examples: single examples of known number, always in the same order.
        prepare: what makes a batch of them the model's features.
        batch_size: images in a batch.
        seed: of the orders.
        horizontal_flips: as for `ImagesInMemory`.
        transform: the same.

    Raises:
        ValueError: when there are too few images.
    """

    def __init__(
        self,
        examples: tf.data.Dataset,
        prepare: Callable[[Mapping[str, Any]], dict[str, Any]],
        *,
        batch_size: int,
        seed: int,
        horizontal_flips: bool = False,
        transform: Transform | None = None,
    ) -> None:
        self._examples = examples
        self._prepare = tf.autograph.experimental.do_not_convert(prepare)
        self._batch_size = batch_size
        self._seed = seed
        self._horizontal_flips = horizontal_flips
        self._transform = transform or (lambda batch, generator: batch)
        self.steps_per_epoch = _steps(int(examples.cardinality()), batch_size)

    def batches(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """See the base class."""
        order = epoch_generator(self._seed, epoch, _ORDER)
        batches = self._examples.shuffle(
            _SHUFFLE_BUFFER,
            seed=int(order.integers(1, 2**31)),
            reshuffle_each_iteration=False,
        ).batch(self._batch_size, drop_remainder=True)
        batches = batches.skip(first_step).map(self._prepare).prefetch(2)
        generator = epoch_generator(self._seed, epoch, _FLIPS)
        flips = generator.random((self.steps_per_epoch, self._batch_size)) < 0.5
        for step, batch in enumerate(batches.as_numpy_iterator(), start=first_step):
            batch = _flipped(batch, flips[step] & self._horizontal_flips)
            generator = epoch_generator(self._seed, epoch, _TRANSFORM, step)
            yield self._transform(batch, generator)


def _flipped(batch: Batch, flips: np.ndarray) -> Batch:
    if not flips.any():
        return batch
    image = batch["image"]
    return {
        **batch,
        "image": np.where(flips[:, None, None, None], image[:, :, ::-1], image),
    }


def _steps(count: int, batch_size: int) -> int:
    if count < check_integer("batch_size", batch_size):
        raise ValueError(
            f"batch_size must be at most {count}, the number of training images. "
            f"Received: {batch_size}"
        )
    return count // batch_size


def _divide(labels: np.ndarray | None) -> list[np.ndarray]:
    """Returns the indices of each class's images."""
    if labels is None or (np.asarray(labels) < 0).any():
        raise ValueError(
            'sampling="class_balanced" needs a label for every image. Received: images '
            "without labels"
        )
    return [np.flatnonzero(labels == each) for each in np.unique(labels)]
