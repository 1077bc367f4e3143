"""complete: known pixels stay, the others are drawn given all before them."""

import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.samplers import BatchSlices, KnownPixels, raster_scan
from tests.models.small_model import LEVELS, SHAPE
from tests.test_case import (
    all_images,
    check_counts,
    random_conditions,
    random_images,
    randomize,
)


def masks_of(shape, seed=0):
    """A mask of another kind for each of six images."""
    height, width, channels = shape
    generator = np.random.default_rng(seed)
    masks = np.zeros((6, *shape), bool)
    masks[0] = True
    masks[2] = generator.random(shape) < 0.5
    masks[3, : height // 2] = True
    masks[4, height // 2 :] = True
    masks[5, :, width // 2 :, channels - 1] = True
    return masks


def test_known_pixels_of_one_image_are_not_taken_as_known_in_another(model):
    """Nor are those dropped that not all images of the batch know."""
    images, masks = random_images(model, 6), masks_of(SHAPE)
    seeds = kp.example_seeds(1, 6)
    together = model.complete(images, masks, seed=seeds).numpy()
    same = 0
    for i in range(6):
        alone = model.complete(images[[i]], masks[[i]], seed=seeds[i : i + 1]).numpy()
        same += np.array_equal(alone[0], together[i])
    assert same >= 5


def test_nothing_known_is_a_sample(model):
    images = random_images(model, 4)
    drawn = model.complete(images, np.zeros((4, *SHAPE)), seed=3).numpy()
    same = np.all(drawn == model.sample(4, seed=3).numpy(), axis=(1, 2, 3))
    assert same.sum() >= 3


def test_what_the_mask_hides_has_no_influence(model):
    """It may be anything, no level included."""
    images, masks = random_images(model, 6), masks_of(SHAPE)
    hidden = np.where(masks, images, 10_000)
    np.testing.assert_array_equal(
        model.complete(hidden, masks, seed=1), model.complete(images, masks, seed=1)
    )
    drawn = model.complete(np.where(masks, images, np.nan), masks, seed=1)
    np.testing.assert_array_equal(drawn, model.complete(images, masks, seed=1))


@pytest.mark.parametrize(("kernel", "first", "blocks"), [(7, 3, 2), (1, 5, 2)])
def test_skipped_rows_leave_the_caches_as_if_stepped_through(kernel, first, blocks):
    model = randomize(
        kp.GatedPixelCNN(
            (4, 3, 2),
            num_levels=5,
            filters=8,
            num_blocks=blocks,
            kernel_size=kernel,
            first_kernel_size=first,
            num_classes=3,
            spatial_shape=(2, 2, 1),
        )
    )
    images = tf.constant(random_images(model, 6), tf.int32)
    images = tf.reshape(images, [2, 3, 4, 3, 2])  # two slices of three
    given = model.conditions.prepare(random_conditions(model, 6), 6)
    steps = model.scan_steps(given)
    expected = steps.start_image(2, 3)
    for known_rows in range(5):
        # What lies below the rows is not looked at.
        blank = tf.where(tf.range(4)[:, None, None] < known_rows, images, 4)
        found = steps.skip_rows(blank, tf.constant(known_rows))
        for ours, theirs in zip(tf.nest.flatten(found), tf.nest.flatten(expected)):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)
        if known_rows < 4:
            _, expected = steps.row(tf.constant(known_rows), expected)
            by_column = tf.transpose(images[:, :, known_rows], [0, 2, 1, 3])
            expected = steps.finish_row(by_column, expected)


class CountedSteps:
    """Steps that count how often each is built into the graph, and run."""

    def __init__(self, steps):
        self._steps = steps
        self.runs = []

    def __getattr__(self, name):
        step = getattr(self._steps, name)

        def counted(*args):
            self.runs.append(name)
            return step(*args)

        return counted


def test_known_rows_and_columns_are_not_stepped_through(model):
    """Two rows known from the top, one in the middle, and columns at a row's end."""
    shape = (5, 4, 3)
    wide = randomize(
        kp.GatedPixelCNN(shape, LEVELS, filters=6, num_blocks=2, first_kernel_size=3)
    )
    images = tf.constant(random_images(wide, 2), tf.int32)
    mask = np.zeros((2, *shape), bool)
    mask[:, :2] = True
    mask[:, 3] = True
    mask[:, 2, 1:] = True
    mask[0, 4] = True  # the other image does not know this row
    mask[1, 4, 3:] = True
    steps = CountedSteps(wide.scan_steps())

    def draw(index, row):
        return lambda column, channel, parameters: images[:, row, column, channel]

    known = KnownPixels(images, tf.constant(mask))
    (found,) = raster_scan(steps, draw, shape, BatchSlices(2), known)
    np.testing.assert_array_equal(found, images)
    assert steps.runs.count("skip_rows") == 1 and "start_image" not in steps.runs
    assert steps.runs.count("row") == 3  # rows 2, 3 and 4: the last three
    assert steps.runs.count("pixel") == 1 + 0 + 3


@pytest.fixture(scope="module")
def listed():
    """Models so small that all their images can be listed: plain, and with labels."""
    return [
        randomize(
            kp.GatedPixelCNN(
                (1, 2, 3), 2, filters=6, num_blocks=2, first_kernel_size=3, **arguments
            )
        )
        for arguments in ({}, {"num_classes": 3})
    ]


@pytest.mark.parametrize(
    ("known", "condition"),
    [((1, 4), {"label": 2}), ((0, 1, 2, 3), {})],
)
def test_free_values_follow_the_models_conditional_distribution(
    listed, condition, known
):
    """Each free value given all before it: the product is listed for all images.

    That all samplers complete alike is in the conformance of each family.
    """
    shape, levels = (1, 2, 3), 2
    model = listed[bool(condition)]
    images = all_images(shape, levels)
    features = {"image": images}
    if condition:
        features["label"] = np.full(len(images), condition["label"])
    nats = tf.nn.log_softmax(model(features)).numpy().astype("float64")
    nats = np.take_along_axis(nats, images[..., None], -1).reshape(len(images), -1)
    free = [place for place in range(6) if place not in known]
    values = np.array([1, 0, 1, 1, 0, 1])
    fits = np.all(images.reshape(-1, 6)[:, list(known)] == values[list(known)], axis=1)
    probabilities = np.where(fits, np.exp(nats[:, free].sum(axis=1)), 0.0)
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    mask = np.isin(np.arange(6), known).reshape(shape)
    count = 6_000
    given = np.broadcast_to(values.reshape(shape), (count, *shape))
    drawn = model.complete(given, mask, seed=1, **condition)
    check_counts(drawn, levels, probabilities)


def test_known_values_out_of_range_are_refused(model):
    """What masks may be, of any shape and type, is in doors/conditions_test.py."""
    images = random_images(model, 3)
    images[1, 2, 0, 0] = LEVELS
    with pytest.raises(ValueError, match=rf"integers in \[0, {LEVELS}\)"):
        model.complete(images, np.ones(SHAPE, bool), seed=1)
    with pytest.raises(ValueError, match="must have shape"):
        model.complete(images[:, :2], np.ones((2, 3), bool), seed=1)
    with pytest.raises(ValueError, match=r"3, 2. for all images or .3, 3, 2. for e"):
        model.complete(images, np.ones((2, *SHAPE[:2])), seed=1)


def test_xla_draws_the_same(model):
    images, masks = random_images(model, 6), masks_of(SHAPE)
    expected = model.complete(images, masks, seed=3).numpy()
    drawn = model.complete(images, masks, seed=3, jit_compile=True).numpy()
    assert np.all(drawn == expected, axis=(1, 2, 3)).sum() >= 5
    np.testing.assert_array_equal(drawn[masks], images[masks])


def test_masks_in_graphs_may_be_floats_and_of_any_batch_size(model):
    """And graphs refuse wrong values when they run."""
    images, masks = random_images(model, 6), masks_of(SHAPE)
    expected = model.complete(images, masks, seed=3)
    run = tf.function(
        lambda image, mask: model.complete(image, mask, seed=3),
        input_signature=[
            tf.TensorSpec([6, *SHAPE], tf.int32),
            tf.TensorSpec([None, *SHAPE], tf.float32),
        ],
    )
    mask = tf.cast(masks, tf.float32)
    drawn = run(tf.constant(images, tf.int32), mask).numpy()
    assert np.all(drawn == expected, axis=(1, 2, 3)).sum() >= 5
    np.testing.assert_array_equal(drawn[masks], images[masks])
    with pytest.raises(tf.errors.InvalidArgumentError, match="where it is known"):
        run(tf.constant(images + LEVELS, tf.int32), mask)
    run(tf.constant(np.where(masks, images, 10_000), tf.int32), mask)
    with pytest.raises(tf.errors.InvalidArgumentError, match="mask must hold"):
        run(tf.constant(images, tf.int32), mask * 0.5)


def test_of_no_images(model):
    images = random_images(model, 1)[:0]
    assert model.complete(images, images > 0, seed=1).shape == (0, *SHAPE)
