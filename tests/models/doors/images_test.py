"""Images from wherever people have them: the right answer, or the one sentence."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_pixelcnn as kp
from tests.test_case import Batches, randomize

IMAGES = np.random.default_rng(0).integers(0, 5, (6, 4, 4, 1)).astype("uint8")
COLORED = np.random.default_rng(1).integers(0, 5, (6, 4, 4, 3)).astype("uint8")


def of_unknown_rank(images):
    dataset = tf.data.Dataset.from_tensors(0)
    return dataset.map(
        lambda i: tf.numpy_function(lambda _: images, [i], tf.as_dtype(images.dtype))
    )


def score(model, data):
    return model.evaluate(data, verbose=0)[1]


def test_a_dataset_of_unknown_rank(grey, colored):
    right = score(grey, IMAGES)
    assert score(grey, of_unknown_rank(IMAGES)) == pytest.approx(right, rel=1e-6)
    flat = of_unknown_rank(IMAGES[..., 0])
    assert score(grey, flat) == pytest.approx(right, rel=1e-6)
    right = score(colored, COLORED)
    assert score(colored, of_unknown_rank(COLORED)) == pytest.approx(right, rel=1e-6)


@pytest.fixture(scope="module")
def verbs(grey):
    autoencoder = kp.MSEAutoencoder((4, 4, 1), 5, latent_dim=2, encoder_filters=2)
    mask = np.ones((4, 4), bool)
    return {
        "log_prob": grey.log_prob,
        "complete": lambda image: grey.complete(image, mask, seed=1),
        "encode": autoencoder.encode,
    }


@pytest.mark.parametrize("verb", ["log_prob", "complete", "encode"])
def test_verbs_in_a_graph_of_unknown_rank(verbs, verb):
    verb = verbs[verb]
    in_graph = tf.function(verb, input_signature=[tf.TensorSpec(None, tf.uint8)])
    right = verb(IMAGES)
    for images in (IMAGES, IMAGES[..., 0]):
        np.testing.assert_allclose(in_graph(images), right, rtol=1e-5)
        np.testing.assert_allclose(verb(images), right, rtol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have shape"):
        in_graph(np.zeros((2, 8, 8, 1), "uint8"))


def test_a_step_that_has_seen_two_ranks(grey):
    for images in (IMAGES, IMAGES[..., 0], IMAGES):
        grey.test_on_batch(images)
    with pytest.raises(ValueError, match="must have shape"):
        grey.test_on_batch(np.zeros((24, 2, 2, 1), "uint8"))


def test_batches_that_fit_has_not_prepared(grey):
    """As a strategy deals them out, they come to the step as they are."""
    step = tf.function(grey.test_step, autograph=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must hold integers"):
        step({"image": tf.constant(IMAGES / np.float32(4))})


def as_datasets(batch):
    """Sources of batches that look the same, and that `fit` takes by different ways."""
    image, label = batch
    yield tf.data.Dataset.from_tensors({"image": image, "label": label})
    yield tf.data.Dataset.from_tensors((image, label))
    yield iter([(image, label)])
    strategy = tf.distribute.get_strategy()
    yield strategy.experimental_distribute_dataset(tf.data.Dataset.from_tensors(batch))
    yield Batches([{"image": image, "label": label}])
    yield Batches([(image, label)])


def test_labels_in_datasets_are_looked_at(labelled):
    """Each wrong one from each source, by one of the verbs in turn."""
    verbs = labelled.fit, labelled.evaluate
    for place, label in enumerate([3, -1, 0.5, 1.0, np.nan, 2**32 + 1, "1"]):
        labels = np.array([0, 1, 2, 1, 0, label])
        if isinstance(label, int):
            labels = labels.astype("int64")
        for number, source in enumerate(as_datasets((IMAGES, labels)), start=place):
            with pytest.raises(
                (ValueError, tf.errors.InvalidArgumentError),
                match=r"label must hold integers in \[0, 3\)",
            ):
                verbs[number % 2](source, verbose=0)


@pytest.mark.op_by_op
def test_labels_in_datasets_are_taken_as_they_are(labelled):
    labels = np.array([0, 1, 2, 1, 0, 2])
    right = score(labelled, {"image": IMAGES, "label": labels})
    for place, dtype in enumerate(("uint8", "int32", "int64", "uint64")):
        sources = [*as_datasets((IMAGES, labels.astype(dtype)))]
        for source in sources[place % 2 :: 2]:
            assert score(labelled, source) == pytest.approx(right, rel=1e-6)


@pytest.fixture(scope="module")
def labelled():
    model = kp.GatedPixelCNN((4, 4, 1), 5, filters=2, num_blocks=1, num_classes=3)
    model.compile("sgd")
    return randomize(model)


def test_datasets_without_batches(grey, colored):
    for model, images in ((grey, IMAGES), (colored, COLORED)):
        with pytest.raises(ValueError, match=r"data set of single images `\.batch"):
            score(model, tf.data.Dataset.from_tensor_slices(images))


@pytest.mark.op_by_op
def test_lists_of_pictures(grey, colored):
    for model, images in ((grey, IMAGES), (colored, COLORED)):
        pictures = [Image.fromarray(image.squeeze()) for image in images]
        right = model.log_prob(images)
        np.testing.assert_allclose(model.log_prob(pictures), right, rtol=1e-6)
        assert score(model, pictures) == pytest.approx(score(model, images))
    for validation, count in (
        (pictures, 6),
        (pictures[:2], 2),
        (list(images), 6),
        ([images, np.zeros(6)], 6),
    ):
        history = model.fit(pictures, validation_data=validation, verbose=0).history
        right = score(model, images[:count])
        assert history["val_loss"][0] == pytest.approx(right, rel=1e-5)


def test_pictures_of_two_levels_and_of_other_modes(grey):
    """Once true was 255, and places in a palette were levels."""
    two = kp.GatedPixelCNN((4, 4, 1), 2, filters=4, num_blocks=1)
    shapes = np.random.default_rng(0).random((3, 4, 4, 1)) < 0.5
    pictures = [Image.fromarray(shape[..., 0]) for shape in shapes]
    assert {picture.mode for picture in pictures} == {"1"}
    right = two.log_prob(shapes.astype(int))
    np.testing.assert_allclose(two.log_prob(pictures), right, rtol=1e-6)
    colors = [Image.fromarray(np.uint8(shape * [[[9, 90, 200]]])) for shape in shapes]
    for mode in ("P", "HSV", "YCbCr"):
        others = [picture.convert(mode) for picture in colors]
        for verb in (grey.log_prob, grey.evaluate):
            with pytest.raises(ValueError, match=rf"mode {mode} .*\.convert\(\"RGB"):
                verb(others)


def test_values_under_a_mask_are_no_values(grey):
    """Once NumPy's masked arrays were taken for what lies beneath."""
    masked = np.ma.masked_array(IMAGES, mask=False)
    np.testing.assert_array_equal(grey.log_prob(masked), grey.log_prob(IMAGES))
    masked[0, 0, 0, 0] = np.ma.masked
    for verb in (
        grey.log_prob,
        grey.evaluate,
        grey.fit,
        grey.predict,
        grey.distribution().log_prob,
        kp.codecs.PixelCNNCodec(grey).compress,
        lambda images: grey.log_prob(list(images)),
        lambda images: grey.log_prob(images, validate_args=False),
        lambda images: grey.complete(images, np.ones((4, 4))),
        lambda images: grey.complete(IMAGES, np.ma.masked_equal(np.eye(4), 1)),
    ):
        with pytest.raises(ValueError, match="masked"):
            verb(masked)
    completed = grey.complete(masked, ~masked.mask[0, ..., 0], seed=1)
    np.testing.assert_array_equal(completed[:, 1:], IMAGES[:, 1:])


@pytest.mark.parametrize("make", [tf.RaggedTensor.from_tensor, tf.sparse.from_dense])
def test_tensors_that_are_not_dense_are_told(grey, make):
    tensor = make(tf.constant(IMAGES[..., 0], tf.int32))
    for verb in (grey.log_prob, grey.fit, grey.evaluate, grey.distribution().log_prob):
        with pytest.raises(ValueError, match="It is not dense"):
            verb(tensor)


def test_bfloat16_is_taken_like_other_floats(grey):
    expected = grey.log_prob(IMAGES)
    for images in (IMAGES.astype("bfloat16"), tf.cast(IMAGES, tf.bfloat16)):
        np.testing.assert_array_equal(grey.log_prob(images), expected)
        value = grey.distribution().log_prob(images)
        np.testing.assert_allclose(value, expected, rtol=1e-6)


def test_no_images_are_told(grey):
    """Once Keras trained on nothing, and predicted with an UnboundLocalError."""
    for verb in (grey.fit, grey.evaluate, grey.predict):
        with pytest.raises(ValueError, match="at least one image"):
            verb(IMAGES[:0])
