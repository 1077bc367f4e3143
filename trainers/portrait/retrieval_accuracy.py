"""Retrieval accuracy: how often the source's identity is the nearest of ten.

A source is one image of an identity of the test split; images are sampled given its
embedding, and embedded. A sample is right when, of ten identities of the test
split, its source's one is nearest: the source's identity and nine others, drawn at
random, many times over. An identity is where the mean of the embeddings of its images
is, the source left out, on the sphere; nearest is by the angle. So chance is one in
ten, and a drawn image gains nothing by being a copy of its source, other than by what
that tells of its identity.
"""

from typing import NamedTuple

import numpy as np


class Sources(NamedTuple):
    """Images whose embeddings are sampled from, by their rows.

    Attributes:
        row: int64 (n,), in the images of the test split.
        rival: int64 (n, groups, group_size - 1): for each group the identities beside
            the source's, as places in the sorted ones.
    """

    row: np.ndarray
    rival: np.ndarray


def check_group_size(label: np.ndarray, group_size: int) -> None:
    """Checks that the test split has identities enough for a group.

    Args:
        label: integers (images,), the identities.
        group_size: identities of a group.

    Raises:
        ValueError: when fewer have two images or more.
    """
    _, counts = np.unique(label, return_counts=True)
    usable = int(np.sum(counts > 1))
    if usable < group_size:
        raise ValueError(
            f"config.drawing.group_size must be at most {usable}, the identities of "
            f"the test split with two images or more. Received: {group_size}"
        )


def choose_sources(
    label: np.ndarray, number: int, groups: int, group_size: int, seed: int
) -> Sources:
    """Draws sources at random, each with groups of rivals.

    Args:
        label: integers (images,), the identities.
        number: of sources, different images as long as there are enough.
        groups: of rivals, for each source.
        group_size: identities of a group, the source's included.
        seed: of the choice.

    Raises:
        ValueError: when there are fewer identities with two images than a group holds.
    """
    check_group_size(label, group_size)
    identities, counts = np.unique(label, return_counts=True)
    usable = np.flatnonzero(counts > 1)  # others have no image beside the source
    generator = np.random.Generator(np.random.Philox(seed))
    rows = np.flatnonzero(np.isin(label, identities[usable]))
    chosen = generator.choice(rows, number, replace=number > len(rows))
    own = np.searchsorted(identities, label[chosen])
    rivals = []
    for each in own:
        others = np.tile(usable[usable != each], (groups, 1))
        rivals.append(generator.permuted(others, axis=1)[:, : group_size - 1])
    return Sources(chosen, np.stack(rivals))


def share_right(
    queries: np.ndarray, sources: Sources, embedding: np.ndarray, label: np.ndarray
) -> float:
    """Returns how often the source's identity is the nearest of its group.

    Args:
        queries: floats (sources, images, d): embeddings of images that should be of
            their source's identity.
        sources: as `choose_sources` gives them.
        embedding: floats (n, d), of length 1: of all images of the test split.
        label: integers (n,), their identities.

    Returns:
        The share over all sources, images and groups, in [0, 1].
    """
    identities, place = np.unique(label, return_inverse=True)
    sums = np.zeros((len(identities), embedding.shape[1]))
    np.add.at(sums, place, embedding)
    right = []
    for query, row, rival in zip(queries, sources.row, sources.rival, strict=True):
        own = place[row]
        means = sums.copy()
        means[own] -= embedding[row]
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        cosine = query @ means.T
        best_rival = cosine[:, rival].max(axis=-1)
        right.append(np.mean(cosine[:, own, np.newaxis] > best_rival))
    return float(np.mean(right))


def others_of_same(label: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Returns for each image another one of its identity, itself where there is none.

    Args:
        label: integers (n,), the identities.
        generator: what chance comes from.

    Returns:
        Rows (n,).
    """
    found = np.arange(len(label))
    for identity in np.unique(label):
        # Once around a random circle: nobody stays where he is.
        circle = generator.permutation(np.flatnonzero(label == identity))
        found[circle] = np.roll(circle, 1)
    return found


def others(label: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Returns for each image one of another identity, drawn from all of those.

    Args:
        label: integers (n,), at least two identities.
        generator: what chance comes from.

    Returns:
        Rows (n,).
    """
    found = generator.integers(0, len(label), len(label))
    while (same := label[found] == label).any():
        found[same] = generator.integers(0, len(label), same.sum())
    return found
