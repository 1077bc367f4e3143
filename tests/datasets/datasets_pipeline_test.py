"""Tests of caching, shuffling and batching."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.datasets.load import UNCACHED_SHUFFLE_BUFFER, finish


def _finish(examples, **changed):
    wanted = dict(cache=True, shuffle=False, seed=0, batch_size=None)
    return finish(examples, **{**wanted, **changed})


def _numbers(dataset):
    return [int(number) for number in dataset]


class _Counted:
    def __init__(self, count):
        self.reads = 0
        self.examples = tf.data.Dataset.range(count).map(self._read)

    @tf.autograph.experimental.do_not_convert
    def _read(self, number):
        return tf.ensure_shape(tf.numpy_function(self._count, [number], tf.int64), ())

    def _count(self, number):
        self.reads += 1
        return number


@pytest.mark.parametrize(("cache", "reads"), [(True, 6), (False, 12)])
def test_a_cache_reads_each_example_once(cache, reads):
    source = _Counted(6)
    dataset = _finish(source.examples, cache=cache, shuffle=True, batch_size=4)
    for _ in range(2):
        assert sorted(np.concatenate(list(dataset))) == list(range(6))
    assert source.reads == reads


def test_examples_of_unknown_number_are_shuffled_too():
    examples = tf.data.Dataset.range(30).filter(lambda number: number > 9)
    assert sorted(_numbers(_finish(examples, shuffle=True))) == list(range(10, 30))


@pytest.mark.parametrize("cache", [True, False])
def test_each_epoch_has_its_order_and_each_seed_its_orders(cache):
    def epochs(seed):
        examples = tf.data.Dataset.range(50)
        dataset = _finish(examples, cache=cache, shuffle=True, seed=seed)
        return [_numbers(dataset) for _ in range(3)]

    first = epochs(0)
    assert first == epochs(0)
    orders = {tuple(order) for order in first + epochs(1)}
    assert len(orders) == 6
    assert all(sorted(order) == list(range(50)) for order in orders)


def test_cached_examples_are_shuffled_all_together():
    examples = tf.data.Dataset.range(30_000)
    start = _numbers(_finish(examples, shuffle=True).take(100))
    assert max(start) > 25_000


def test_uncached_examples_are_shuffled_through_a_bounded_buffer():
    examples = tf.data.Dataset.range(30_000)
    start = _numbers(_finish(examples, cache=False, shuffle=True).take(100))
    assert 5_000 < max(start) < UNCACHED_SHUFFLE_BUFFER + 100


def test_no_examples_are_no_error():
    assert _numbers(_finish(tf.data.Dataset.range(0), shuffle=True, batch_size=2)) == []
