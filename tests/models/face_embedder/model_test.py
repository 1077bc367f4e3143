"""Tests of FaceEmbedder: points of the sphere, near each other by identity."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import IdentityBatches
from tests.test_case import losses_of, round_trip

pytestmark = pytest.mark.op_by_op

SHAPE, LEVELS = (9, 6, 1), 5


def new_embedder(**arguments):
    arguments = {"embedding_dim": 4, "filters": 4, **arguments}
    return kp.FaceEmbedder(SHAPE, LEVELS, **arguments)


def stripes(count, seed=0):
    """Images of 6 identities: which rows are light, with noise. Labels beside."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 6
    images = generator.integers(0, 3, (count, *SHAPE))
    images[np.arange(count), labels] = 4
    return images.astype("uint8"), labels


@pytest.fixture(scope="module")
def trained():
    embedder = new_embedder(dropout_rate=0.1)
    embedder.compile(keras.optimizers.Adam(0.01))
    images, labels = stripes(120)
    batches = IdentityBatches(
        {"image": images, "label": labels}, identities=6, images_each=5, seed=0
    )
    history = embedder.fit(
        batches.forever(), steps_per_epoch=batches.steps_per_epoch, epochs=8, verbose=0
    )
    return embedder, history.history["loss"]


def test_embeddings_are_of_length_one_and_of_each_image_by_itself():
    embedder = new_embedder()
    images, _ = stripes(7)
    points = embedder.embed(images, batch_size=3)
    assert points.shape == (7, 4) and points.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(embedder.embed(images[2:3])[0], points[2], atol=1e-6)
    assert np.ptp(points, axis=0).max() > 1e-3
    assert embedder.embed(images[:0]).shape == (0, 4)


def test_training_brings_images_of_new_noise_to_their_identity(trained):
    embedder, losses = trained
    assert losses[-1] < losses[0] / 2
    images, labels = stripes(60, seed=1)
    points = embedder.embed(images)
    distances = ((points[:, None] - points) ** 2).sum(axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert np.mean(labels[distances.argmin(axis=1)] == labels) > 0.8


@pytest.mark.op_by_op(False)
def test_fit_and_evaluate_in_graphs_give_the_loss():
    images, labels = stripes(24)
    embedder = new_embedder()
    embedder.compile("adam")
    features = {"image": images, "label": labels}
    expected = losses_of(embedder, features).loss[0]
    data = tf.data.Dataset.from_tensor_slices(features).batch(24)
    loss = embedder.evaluate(data, verbose=0)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    before = embedder.get_weights()[0]
    embedder.fit(data, verbose=0)
    assert np.abs(embedder.get_weights()[0] - before).max() > 0


def test_images_without_identities_are_refused():
    embedder = new_embedder()
    embedder.compile("adam")
    with pytest.raises(ValueError, match=r'needs an identity .* as "label"'):
        embedder.fit(stripes(4)[0], verbose=0)
    with pytest.raises(ValueError, match="loss must be left out"):
        embedder.compile("adam", loss="mse")


def test_a_saved_embedder_loads_without_custom_objects(trained, tmp_path):
    embedder, _ = trained
    embedder.save(tmp_path / "embedder.keras")
    images, labels = stripes(12)
    for load in (
        keras.models.load_model,
        lambda path: load_model(path, kp.FaceEmbedder),
    ):
        loaded = load(tmp_path / "embedder.keras")
        assert loaded.get_config() == embedder.get_config()
        np.testing.assert_array_equal(loaded.embed(images), embedder.embed(images))
    loaded.fit({"image": images, "label": labels}, batch_size=12, verbose=0)
    with pytest.raises(ValueError, match="must hold a model of keras_pixelcnn"):
        load_model(tmp_path / "embedder.keras")
    kp.GatedPixelCNN(SHAPE, LEVELS, filters=2, num_blocks=1).save(tmp_path / "g.keras")
    with pytest.raises(
        ValueError, match=r"FaceEmbedder or derived from it; .* Received: Gated"
    ):
        load_model(tmp_path / "g.keras", kp.FaceEmbedder)


def test_a_config_makes_the_same_network():
    embedder = new_embedder(margin=0.5, dropout_rate=0.25, dtype="mixed_bfloat16")
    copy = round_trip(embedder)
    assert copy.get_config() == embedder.get_config()
    assert [w.path for w in copy.weights] == [w.path for w in embedder.weights]


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_embeddings_and_loss_stay_float32_under_mixed_precision(dtype):
    full, mixed = new_embedder(), new_embedder(dtype=dtype)
    mixed.set_weights(full.get_weights())
    images, labels = stripes(12)
    points = mixed.embed(images)
    assert points.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(points, full.embed(images), atol=0.1)
    features = {"image": images, "label": labels}
    assert losses_of(mixed, features).loss.dtype == tf.float32
    convolution = mixed.get_layer("stage_0_0_conv")
    assert convolution.compute_dtype == dtype.removeprefix("mixed_")
    mixed.compile("adam")
    assert np.isfinite(mixed.fit(features, batch_size=12, verbose=0).history["loss"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"embedding_dim": 0}, "embedding_dim must be"),
        ({"filters": 2.5}, "filters must be"),
        ({"margin": True}, "margin must be"),
        ({"margin": 0}, "margin must be a number above 0 and below 4"),
        ({"margin": float("nan")}, "margin must be"),
        ({"dropout_rate": 1.0}, r"dropout_rate must be in \[0, 1\)"),
    ],
)
def test_arguments_out_of_range_are_told(arguments, told):
    with pytest.raises(ValueError, match=f"{told}.* Received: "):
        new_embedder(**arguments)


def test_wrong_images_are_told():
    embedder = new_embedder()
    images, _ = stripes(2)
    with pytest.raises(ValueError, match=r"in \[0, 5\)"):
        embedder.embed(images + 3)
    with pytest.raises(ValueError, match="shape"):
        embedder.embed(images[:, 1:])
    with pytest.raises(ValueError, match="a dict of"):
        embedder({"picture": images})
    for levels in (1, 2.0, 65_537):
        with pytest.raises(ValueError, match=r"num_levels must be .* 2 to 65,536"):
            kp.FaceEmbedder(SHAPE, num_levels=levels)


def test_numpy_numbers_are_arguments():
    embedder = kp.FaceEmbedder(
        SHAPE, np.int64(5), np.int32(4), np.int64(4), np.float32(0.25), np.float64(0.5)
    )
    assert embedder.get_config() == {
        **new_embedder(margin=0.25, dropout_rate=0.5).get_config(),
        "name": embedder.name,
    }
    types = {type(embedder.get_config()[name]) for name in ("num_levels", "filters")}
    assert types == {int} and type(embedder.margin) is float


def test_images_of_a_single_pixel_have_embeddings_of_length_one():
    points = kp.FaceEmbedder((1, 1, 1), 2, embedding_dim=3, filters=8).embed(
        np.array([0, 1]).reshape(2, 1, 1, 1)
    )
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 40, 3), (28, 28, 1)])
def test_images_of_any_size_are_embedded(shape):
    embedder = kp.FaceEmbedder(shape, 256, embedding_dim=3, filters=2)
    assert embedder.output_shape == (None, 3)
    assert embedder.get_layer("point").kernel.shape[0] <= 16 * 8


@pytest.mark.op_by_op(False)
def test_graphs_are_told_to_call_the_model(trained):
    model, _ = trained
    images = tf.zeros((1, *model.image_shape), tf.int32)
    with pytest.raises(ValueError, match="call the model itself"):
        tf.function(model.embed)(images)
