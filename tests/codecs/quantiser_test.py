"""Properties of the tables of frequencies that values are coded with."""

import numpy as np
import pytest

from keras_pixelcnn.codecs.range_coder import PRECISION, frequency_tables

TOTAL = 2**PRECISION


def frequencies(weights):
    tables = frequency_tables(np.asarray(weights, "float32")).numpy()
    assert tables.dtype == np.float32
    return tables.astype("int64") + 1


def softmax(logits):
    return np.exp(logits - logits.max(axis=-1, keepdims=True))


@pytest.mark.parametrize("num_levels", [2, 3, 17, 256, 4097, 65_536])
@pytest.mark.parametrize("scale", [0, 1, 30, 1000])
def test_frequencies_sum_exactly_and_none_is_zero(num_levels, scale):
    generator = np.random.default_rng(num_levels)
    weights = softmax(generator.normal(size=(5, num_levels)) * scale)
    found = frequencies(weights)
    assert (found.sum(axis=1) == TOTAL).all()
    assert found.min() >= 1


@pytest.mark.parametrize("num_levels", [2, 17, 256, 65_536])
def test_likelier_levels_never_get_less(num_levels):
    generator = np.random.default_rng(0)
    weights = softmax(generator.normal(size=(3, num_levels)) * 4).astype("float32")
    order = np.argsort(weights, axis=1)
    found = np.take_along_axis(frequencies(weights), order, axis=1)
    assert (np.diff(found, axis=1) >= 0).all()


@pytest.mark.parametrize("num_levels", [2, 17, 256, 65_536])
def test_frequencies_cost_next_to_nothing(num_levels):
    generator = np.random.default_rng(1)
    weights = softmax(generator.normal(size=(3, num_levels)) * 2)
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    lost = np.log2(probabilities) - np.log2(frequencies(weights) / TOTAL)
    most = 2 * num_levels / TOTAL + 1e-6
    assert np.abs((probabilities * lost).sum(axis=1)).max() < most


def test_weights_of_any_size_count_in_proportion():
    weights = np.random.default_rng(2).random((4, 9)).astype("float32")
    for factor in (2.0**-100, 2.0**100):
        np.testing.assert_array_equal(
            frequencies(weights * np.float32(factor)), frequencies(weights)
        )


def test_a_level_that_has_it_all_leaves_one_to_each_other():
    weights = np.zeros((1, 256), "float32")
    weights[0, 7] = 1
    found = frequencies(weights)
    assert found[0, 7] == TOTAL - 255
    assert (np.delete(found[0], 7) == 1).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_told_by_nan(wrong):
    weights = np.ones((3, 5), "float32")
    weights[1, 4] = wrong
    tables = frequency_tables(weights).numpy()
    assert np.isnan(tables[1, 0])
    assert not np.isnan(tables[[0, 2]]).any()
    assert np.isnan(frequency_tables(np.zeros((1, 5), "float32")).numpy()[0, 0])
