"""IdentityBatches: batches of several images of each of several identities."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from keras_pixelcnn.checks import check_integer
from keras_pixelcnn.training.data_order import Batch, TrainingImages, epoch_generator

_IDENTITIES = 0


class IdentityBatches(TrainingImages):
    """Batches of P identities with K images each, as the triplet loss needs them.

    Every epoch has an order of its own, a function of the seed and the epoch alone.
    Every identity comes equally often, in its turn; so does every image of it.

    Args:
        features: arrays that lead with the number of images: "image", and the
            identities as "label", integers of at least 0. Identities of a single image
            are left out: they have no positive.
        identities: P, different ones in each batch; at least 2.
        images_each: K; at least 2. Of an identity with fewer images some come twice.
        seed: of the orders, an integer of at least 0.
        steps_per_epoch: number of batches. Default: as many as hold all images once.

    Attributes:
        steps_per_epoch: number of batches.
        batch_size: P times K.

    Raises:
        ValueError: when features are no mapping of arrays of one length, a number is
            too small or no integer, a label is missing, or there are fewer identities
            than a batch holds.

    Example:
        >>> features = {"image": images, "label": labels}
        >>> batches = IdentityBatches(features, identities=20, images_each=8, seed=0)
        >>> embedder.fit(batches.forever(), steps_per_epoch=batches.steps_per_epoch)

    References:
        Schroff et al. 2015, arXiv 1503.03832, section 3.2.
    """

    def __init__(
        self,
        features: Mapping[str, np.ndarray],
        *,
        identities: int,
        images_each: int,
        seed: int,
        steps_per_epoch: int | None = None,
    ) -> None:
        check_integer("identities", identities, 2)
        check_integer("images_each", images_each, 2)
        check_integer("seed", seed, 0)
        if steps_per_epoch is not None:
            check_integer("steps_per_epoch", steps_per_epoch, 1)
        self._features = _as_arrays(features)
        members = _members(self._features)
        _check_lengths(self._features)
        if len(members) < identities:
            raise ValueError(
                f"identities must be at most {len(members)}, the identities with two "
                f"images or more. Received: identities={identities}"
            )
        self._members = members
        self._identities, self._images_each = int(identities), int(images_each)
        self._seed = int(seed)
        self.batch_size = self._identities * self._images_each
        count = sum(map(len, members))
        self.steps_per_epoch = int(steps_per_epoch or max(count // self.batch_size, 1))

    def batches(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """See the base class."""
        for rows in self._rows(epoch)[first_step:]:
            yield {name: value[rows] for name, value in self._features.items()}

    def forever(self) -> Iterator[Batch]:
        """Returns the batches of all epochs one after another, for Keras's `fit`."""
        epoch = 0
        while True:
            yield from self.batches(epoch)
            epoch += 1

    def _rows(self, epoch: int) -> np.ndarray:
        """Returns the rows of the images of each batch, (steps, P * K)."""
        generator = epoch_generator(self._seed, epoch, _IDENTITIES)
        number = len(self._members)
        turns = _deal(number, self.steps_per_epoch, self._identities, generator)
        rows = np.empty((*turns.shape, self._images_each), np.int64)
        for identity, members in enumerate(self._members):
            places = turns == identity
            dealt = _deal(len(members), int(places.sum()), self._images_each, generator)
            rows[places] = members[dealt]
        return rows.reshape(self.steps_per_epoch, -1)


def _deal(
    number: int, turns: int, size: int, generator: np.random.Generator
) -> np.ndarray:
    """Deals things out, (turns, size), different ones in a turn if there are enough.

    Permutations of all of them one after another: one comes again when all others have
    come.
    """
    dealt = np.empty((turns, size), np.int64)
    waiting: list[int] = []
    for turn in range(turns):
        hand, waiting = waiting[:size], waiting[size:]
        while len(hand) < size:
            order = generator.permutation(number).tolist()
            held = set(hand) if number >= size else set()
            taken = [each for each in order if each not in held][: size - len(hand)]
            waiting = [each for each in order if each not in set(taken)]
            hand += taken
        dealt[turn] = hand
    return dealt


def _as_arrays(features: Any) -> dict[str, np.ndarray]:
    if not isinstance(features, Mapping):
        raise ValueError(
            'features must be a dict that holds "image" and "label". '
            f"Received: a {type(features).__name__}"
        )
    arrays = {name: np.asarray(value) for name, value in features.items()}
    scalars = [name for name, value in arrays.items() if value.ndim == 0]
    if scalars:
        raise ValueError(
            "features must be arrays that lead with the number of images. "
            f"Received: {scalars} without any axis"
        )
    return arrays


def _check_lengths(features: Mapping[str, np.ndarray]) -> None:
    lengths = {name: len(value) for name, value in features.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            "features must be arrays that lead with one and the same number of images. "
            f"Received: {lengths}"
        )


def _members(features: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Returns the rows of each identity that has at least two images."""
    if "image" not in features or "label" not in features:
        raise ValueError(
            'features must hold "image" and "label", an identity for each image. '
            f"Received: {list(features)}"
        )
    labels = features["label"]
    is_right = labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer)
    if not is_right or len(labels) != len(features["image"]) or (labels < 0).any():
        raise ValueError(
            "label must hold an integer of at least 0 for each of the "
            f"{len(features['image'])} images; -1 stands for none. Received: labels of "
            f"shape {labels.shape} and type {labels.dtype}"
        )
    order = np.argsort(labels, kind="stable")
    _, starts = np.unique(labels[order], return_index=True)
    return [rows for rows in np.split(order, starts[1:]) if len(rows) > 1]
