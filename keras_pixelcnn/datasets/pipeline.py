"""From single examples to what a training loop takes: kept, shuffled, batched."""

import tensorflow as tf

# Without a cache a shuffle buffer holds images of its own, so it must have a bound.
UNCACHED_SHUFFLE_BUFFER = 10_000


def finish(
    examples: tf.data.Dataset,
    *,
    cache: bool,
    shuffle: bool,
    seed: int,
    batch_size: int | None,
) -> tf.data.Dataset:
    """Caches, shuffles, batches and prefetches, in this order.

    Args:
        examples: single examples of static shapes.
        cache: whether to keep the examples in memory once they were read.
        shuffle: whether to shuffle: all examples with a cache, else through a
            buffer of 10,000 examples.
        seed: seed of the order, which is a fresh one each epoch.
        batch_size: examples a batch, the last of which may be smaller; None for
            single examples.

    Returns:
        The dataset, of known cardinality where that of `examples` is known.
    """
    if cache:
        examples = examples.cache()
    if shuffle:
        examples = examples.shuffle(
            _shuffle_buffer(int(examples.cardinality()), cache),
            seed=seed,
            reshuffle_each_iteration=True,
        )
    if batch_size is not None:
        examples = examples.batch(batch_size)
    return examples.prefetch(tf.data.AUTOTUNE)


def _shuffle_buffer(cardinality: int, cached: bool) -> int:
    if cardinality < 0:  # unknown
        return UNCACHED_SHUFFLE_BUFFER
    largest = cardinality if cached else min(cardinality, UNCACHED_SHUFFLE_BUFFER)
    return max(1, largest)
