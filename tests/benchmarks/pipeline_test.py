import time

import tensorflow as tf

import keras_pixelcnn as kp
from benchmarks import pipeline

TINY = {"filters": 2, "num_blocks": 2, "first_kernel_size": 3}


def test_waiting_is_seen_in_the_profile():
    """A pipeline that takes its time makes up most of a step; one in memory none."""
    model = kp.GatedPixelCNN((2, 2, 1), num_levels=4, **TINY)
    model.compile("adam")
    batches = tf.data.Dataset.from_tensors(tf.zeros([1, 2, 2, 1], tf.int32)).repeat(8)

    def slowly(batch):
        tf.numpy_function(lambda: time.sleep(0.1), [], [])
        return batch

    model.fit(batches, verbose=0)
    assert pipeline.waiting_share(model, batches) < 0.5
    assert pipeline.waiting_share(model, batches.map(slowly)) > 0.5
