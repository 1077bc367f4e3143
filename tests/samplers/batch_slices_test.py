import os

import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.models.base import sampling
from keras_pixelcnn.samplers import BatchSlices, most_slices
from keras_pixelcnn.samplers.batch_slices import SMALLEST_SLICE
from tests.test_case import op_by_op, randomize

BATCHES = [2, SMALLEST_SLICE, SMALLEST_SLICE + 1, 17, 25]


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("batch_size", BATCHES)
@pytest.mark.parametrize("is_known", [True, False])
def test_arranges_and_restores(batch_size, most, is_known):
    values = np.arange(batch_size * 6).reshape(batch_size, 3, 2)

    @tf.function(input_signature=[tf.TensorSpec([None, 3, 2], tf.int64)])
    def arrange(values):
        size = batch_size if is_known else tf.shape(values)[0]
        slices = BatchSlices(size, most)
        arranged = slices.arrange(values)
        seen = slices.run(lambda index: arranged[index])
        return arranged, seen, slices.restore(seen), slices.count

    arranged, seen, restored, count = arrange(values)
    np.testing.assert_array_equal(seen, arranged)
    np.testing.assert_array_equal(restored, values)
    assert arranged.shape[0] == count <= most
    assert (count - 1) * arranged.shape[1] < batch_size  # no slice is empty
    assert count == 1 or arranged.shape[1] >= SMALLEST_SLICE


def test_one_slice_a_processor(monkeypatch):
    assert most_slices() == 1  # eagerly, nothing runs side by side
    with tf.Graph().as_default():
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(4), raising=False)
        assert most_slices() == 4
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64))
        assert most_slices() == 8
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
        assert most_slices() == 1


def full_request(batch_size):
    """Everything that a request may hold."""
    numbers = np.random.default_rng(1)
    mask = numbers.random((batch_size, 4, 3, 2)) < 0.3
    mask[:, 0] = True
    request = {
        "seed": kp.example_seeds(3, batch_size),
        "temperature": numbers.uniform(0.5, 2.0, batch_size).astype("float32"),
        "top_p": numbers.uniform(0.5, 1.0, batch_size).astype("float32"),
        "guidance_scale": numbers.uniform(0.5, 2.0, batch_size).astype("float32"),
        "image": numbers.integers(0, 5, (batch_size, 4, 3, 2), dtype="int32"),
        "mask": mask,
        "label": numbers.integers(0, 3, batch_size, dtype="int32"),
        "spatial": numbers.normal(size=(batch_size, 2, 2, 1)).astype("float32"),
        "has_condition": np.ones(batch_size, "int32"),
    }
    return {name: tf.convert_to_tensor(value) for name, value in request.items()}


@pytest.mark.parametrize(("known_size", "batch_sizes"), [(None, [1, 17]), (17, [17])])
def test_slices_change_no_image(monkeypatch, known_size, batch_sizes):
    """Three, in graphs that know the size of the batch or do not, or one op by op."""
    model = randomize(
        kp.GatedPixelCNN(
            (4, 3, 2),
            num_levels=5,
            filters=8,
            num_blocks=1,
            first_kernel_size=3,
            num_classes=3,
            spatial_shape=(2, 2, 1),
            condition_dropout=0.1,
        )
    )
    specs = {
        name: tf.TensorSpec([known_size, *value.shape[1:]], value.dtype)
        for name, value in full_request(1).items()
    }
    monkeypatch.setattr(sampling, "most_slices", lambda: 3)
    draw = tf.function(
        lambda request: sampling.sample_images(model, request, None),
        input_signature=[specs],
        autograph=False,
    )
    for size in batch_sizes:
        request = full_request(size)
        drawn = draw(request).numpy()
        with monkeypatch.context() as patch, op_by_op():
            patch.setattr(sampling, "most_slices", lambda: 1)
            expected = sampling.sample_images(model, request, None)
        # A draw on the very edge of two levels may flip one image.
        assert np.all(drawn == expected, axis=(1, 2, 3)).sum() >= max(size - 1, 1)
        mask = request["mask"].numpy()
        np.testing.assert_array_equal(drawn[mask], request["image"].numpy()[mask])


def test_under_xla_in_graphs_of_any_batch_size(monkeypatch):
    monkeypatch.setattr(sampling, "most_slices", lambda: 3)
    model = randomize(
        kp.GatedPixelCNN((2, 3, 1), 5, filters=4, num_blocks=1, first_kernel_size=3)
    )
    draw = tf.function(
        lambda seed: model.sample(tf.shape(seed)[0], seed),
        input_signature=[tf.TensorSpec([None], tf.int64)],
        jit_compile=True,
    )
    for batch_size in (0, 17):  # of three slices one, and all
        drawn = draw(kp.example_seeds(3, batch_size))
        with op_by_op():
            expected = model.sample(batch_size, seed=3)
        np.testing.assert_array_equal(drawn, expected)
