"""Tests of what is told of drawn identities: the measure itself, and its partners."""

import numpy as np
import pytest

from trainers.portrait.retrieval_accuracy import (
    choose_sources,
    others,
    others_of_same,
    share_right,
)

LABEL = np.repeat(np.arange(5, 35, 2), 8)
"""15 identities of 8 images each."""


def sphere(*shape):
    points = np.random.default_rng(0).normal(size=shape)
    return points / np.linalg.norm(points, axis=-1, keepdims=True)


def clustered(spread):
    """Embeddings around one point for each identity."""
    centres = np.repeat(sphere(15, 16), 8, axis=0)
    points = centres + spread * sphere(120, 16)
    return points / np.linalg.norm(points, axis=-1, keepdims=True)


def test_a_group_is_the_source_s_identity_and_others_that_differ():
    sources = choose_sources(LABEL, 60, groups=7, group_size=10, seed=0)
    assert sources.row.shape == (60,) and sources.rival.shape == (60, 7, 9)
    assert len(set(sources.row)) == 60
    for row, rival in zip(sources.row, sources.rival):
        own = np.flatnonzero(np.unique(LABEL) == LABEL[row])
        for group in rival:
            assert len(set(group)) == 9 and own not in group
    assert len(np.unique(sources.rival.reshape(-1, 9), axis=0)) > 400
    again = choose_sources(LABEL, 60, groups=7, group_size=10, seed=0)
    np.testing.assert_array_equal(again.row, sources.row)
    np.testing.assert_array_equal(again.rival, sources.rival)
    other = choose_sources(LABEL, 60, groups=7, group_size=10, seed=1)
    assert (other.row != sources.row).any()


def test_identities_of_one_image_are_neither_sources_nor_rivals():
    label = np.array([0, 0, 1, 2, 2, 3, 3])
    sources = choose_sources(label, 20, groups=5, group_size=3, seed=0)
    assert 2 not in sources.row
    assert set(sources.rival.ravel()) <= {0, 2, 3}
    with pytest.raises(ValueError, match=r"at most 3, the identities .* Received: 4"):
        choose_sources(label, 2, groups=5, group_size=4, seed=0)


def test_images_at_their_identity_are_all_right_and_others_by_chance():
    embedding = clustered(0.3)
    sources = choose_sources(LABEL, 100, groups=20, group_size=10, seed=0)
    own = embedding[sources.row][:, None]
    assert share_right(own, sources, embedding, LABEL) > 0.99
    anything = sphere(100, 30, 16)
    found = share_right(anything, sources, embedding, LABEL)
    np.testing.assert_allclose(found, 0.1, atol=0.04)
    wrong = embedding[(sources.row + 60) % 120][:, None]
    assert share_right(wrong, sources, embedding, LABEL) < 0.1


def test_the_source_is_no_part_of_where_its_identity_is():
    """Else a copy of the source would be right however little it tells."""
    embedding = sphere(120, 16)  # which tell nothing
    sources = choose_sources(LABEL, 120, groups=50, group_size=10, seed=0)
    copies = embedding[sources.row][:, None]
    found = share_right(copies, sources, embedding, LABEL)
    np.testing.assert_allclose(found, 0.1, atol=0.05)


def test_the_share_is_that_of_a_plain_count():
    embedding = clustered(1.5)
    sources = choose_sources(LABEL, 9, groups=4, group_size=5, seed=3)
    queries = sphere(9, 3, 16) + embedding[sources.row][:, None]
    right = []
    identities = np.unique(LABEL)
    for query, row, rival in zip(queries, sources.row, sources.rival):
        kept = np.arange(120) != row
        means = [embedding[kept & (LABEL == each)].mean(axis=0) for each in identities]
        means = [mean / np.linalg.norm(mean) for mean in means]
        own = np.flatnonzero(identities == LABEL[row])[0]
        for point in query:
            for group in rival:
                best = max(means[each] @ point for each in group)
                right.append(means[own] @ point > best)
    found = share_right(queries, sources, embedding, LABEL)
    np.testing.assert_allclose(found, np.mean(right))
    assert 0.1 < found < 0.9


def test_partners_are_another_image_of_the_same_or_of_another_identity():
    generator = np.random.default_rng(0)
    same = others_of_same(LABEL, generator)
    np.testing.assert_array_equal(LABEL[same], LABEL)
    assert (same != np.arange(120)).all()
    assert sorted(same) == list(range(120))
    assert (LABEL[others(LABEL, generator)] != LABEL).all()
    np.testing.assert_array_equal(
        others_of_same(np.array([4, 2, 2]), generator), [0, 2, 1]
    )
