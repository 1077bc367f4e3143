"""The VQ-VAE, the prior over its codes, and the program that trains both."""

import json
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_pixelcnn.callbacks import NonFiniteLossError
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import Preemption
from tests.trainers.runs.power_cut import power_cut
from trainers.configs import vq_prior_digits, vq_prior_fashion_mnist
from trainers.runs.data import LabelledImages
from trainers.runs.run import Run
from trainers.runs.run_folder import RunFolder
from trainers.vq import results
from trainers.vq.training import VQData, check_config, train_vq_vae
from trainers.vq.vector_quantizer import VectorQuantizer
from trainers.vq.vq_vae import VQVAE

pytestmark = pytest.mark.op_by_op

TINY = (
    "--config=trainers/configs/vq_prior_digits.py",
    "--config.epochs=1",
    "--config.model.filters=4",
    "--config.model.num_blocks=1",
    "--config.model.input_embedding_dim=2",
    "--config.num_samples=20",
    "--config.vq_vae.epochs=1",
    "--config.vq_vae.num_codes=8",
    "--config.vq_vae.code_dim=4",
    "--config.vq_vae.filters=4",
    "--config.vq_vae.num_residual_blocks=1",
)
FIELDS = {"code_dim": 4, "filters": 4, "num_residual_blocks": 1, "num_halvings": 1}


@pytest.fixture
def quantizer():
    layer = VectorQuantizer(3, decay=0.5)
    layer.build((None, 1, 2, 2))
    layer.codebook.assign([[0.0, 0.0], [1.0, 1.0], [9.0, 9.0]])
    layer.counts.assign([2.0, 2.0, 2.0])
    layer.sums.assign(layer.codebook * 2.0)
    return layer


FEATURES = tf.constant([[[[0.2, 0.1], [0.7, 0.9]]], [[[0.0, 0.4], [1.0, 1.2]]]])


def test_the_nearest_vector_with_a_straight_gradient(quantizer):
    with tf.GradientTape() as tape:
        tape.watch(FEATURES)
        outputs = quantizer(FEATURES)
        total = tf.reduce_sum(outputs * [2.0, 3.0])
    np.testing.assert_allclose(outputs[:, 0], [[[0, 0], [1, 1]]] * 2, atol=1e-6)
    gradient = tape.gradient(total, FEATURES)
    np.testing.assert_array_equal(gradient, np.broadcast_to([2.0, 3.0], (2, 1, 2, 2)))
    distance = np.mean([0.04, 0.01, 0.09, 0.01, 0, 0.16, 0, 0.04])
    np.testing.assert_allclose(quantizer.losses, [0.25 * distance], rtol=1e-5)
    np.testing.assert_array_equal(quantizer.codebook[2], [9, 9])  # nothing moves


def test_vectors_follow_their_features_and_idle_ones_begin_anew(quantizer):
    quantizer(FEATURES, training=True)
    # Each of the first two stood for two features: half old, half new.
    np.testing.assert_allclose(quantizer.codebook[0], [0.05, 0.125])
    np.testing.assert_allclose(quantizer.codebook[1], [0.925, 1.025])
    np.testing.assert_allclose(quantizer.counts[:2], [2, 2])
    for _ in range(3):
        assert np.all(quantizer.codebook[2] == [9, 9])
        quantizer(FEATURES, training=True)
    # After the fourth step its count is 0.125, and a tenth of a third of 4 is 0.133.
    features = FEATURES.numpy().reshape(-1, 2)
    assert (np.abs(features - quantizer.codebook[2]).max(-1) < 1e-6).any()
    np.testing.assert_allclose(quantizer.counts[2], 4 / 3)


def test_fresh_codebooks_take_features_of_the_first_batch():
    layer = VectorQuantizer(5)
    layer(FEATURES, training=True)
    features = FEATURES.numpy().reshape(-1, 2)
    for vector in layer.codebook.numpy():
        assert (np.abs(features - vector).max(-1) < 1e-6).any()


@pytest.mark.parametrize("side", [10, 6])
def test_refuses_sides_that_cannot_be_halved_so_often(side):
    with pytest.raises(ValueError, match=r"multiples of 2 \*\* num_halvings.*=2"):
        VQVAE((8, side, 1), num_halvings=2)


IMAGES = np.random.default_rng(0).integers(0, 5, (33, 4, 6, 2))


def train(folder, **fields):
    keras.utils.set_random_seed(0)
    common = {"num_codes": 8, "epochs": 2, "batch_size": 8, "learning_rate": 0.01}
    options = {"seed": 3, "checkpoint_every": 3, "log_every": 1}
    config = {**options, "vq_vae": {**common, **FIELDS, **fields}}
    images = LabelledImages(IMAGES, np.full(len(IMAGES), -1))
    data = VQData(images, images.choose(5), 5)
    strategy = tf.distribute.get_strategy()
    run = Run(config, data, RunFolder(folder), strategy, "stop", Preemption())
    train_vq_vae(run)
    return results.load_vq_vae(run.folder)


def test_a_stopped_vq_vae_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    whole = train(tmp_path / "whole")
    with power_cut(monkeypatch, 6):
        train(tmp_path / "stopped")
    assert not (tmp_path / "stopped" / "vq_vae.keras").exists()
    resumed = train(tmp_path / "stopped")
    for ours, theirs in zip(resumed.get_weights(), whole.get_weights()):
        np.testing.assert_array_equal(ours, theirs)
    assert whole.quantizer.steps.numpy() == 8
    codes = whole.encode(IMAGES)
    assert codes.shape == (33, 2, 3, 1) and codes.dtype == "int32"
    anew = whole.decode(codes)
    assert anew.shape == IMAGES.shape and anew.min() >= 0 and anew.max() < 5
    np.testing.assert_allclose(whole(IMAGES) * 4, anew, atol=5)


def test_a_vq_vae_that_diverges_ends_with_an_error(tmp_path):
    with pytest.raises(NonFiniteLossError, match=r"must be finite.*learning rate"):
        train(tmp_path, learning_rate=1e30)
    assert not (tmp_path / "vq_vae.keras").exists()


def test_pixels_that_are_not_finite_are_no_levels():
    model = VQVAE((4, 4, 1), 5, num_codes=2, **FIELDS)
    model.decoder.get_layer("pixels").bias.assign([np.nan])
    with pytest.raises(ValueError, match=r"must give finite pixels.*Received: nan"):
        model.decode(np.zeros((1, 2, 2, 1), "int32"))


def test_decoded_samples_have_the_accuracy_of_their_class():
    class Bright:
        """Images all of one level, whose code is that level."""

        num_levels = 4

        def encode(self, images):
            return images[:, :1, :1]

        def decode(self, codes):
            return np.broadcast_to(codes, (len(codes), 2, 2, 1))

    class Prior:
        """Draws the level of the label, or without guidance of another for 3."""

        conditions = types.SimpleNamespace(
            names=["label"], num_classes=4, optional=True
        )

        def sample(self, seed, label, guidance_scale=None):
            codes = np.where((label == 3) & (guidance_scale is None), 0, label)
            return tf.constant(codes.reshape(-1, 1, 1, 1))

    levels = np.arange(40) % 4
    split = LabelledImages(Bright().decode(levels.reshape(-1, 1, 1, 1)), levels)
    wrong = LabelledImages(split.image[:8], np.array([0, 1, 2, 3, 0, 1, 3, 2]))
    assert results.code_accuracies(
        Bright(), Prior(), split, wrong, 0, num_samples=12
    ) == {
        "train_images": 40,
        "test_images": 8,
        "samples": 12,
        "test_accuracy": 0.75,
        "reconstruction_accuracy": 0.75,
        "sample_accuracy": 0.75,
        "guidance_scale": 1.5,
        "guided_sample_accuracy": 1.0,
    }
    one_class = LabelledImages(split.image, levels * 0)
    assert results.code_accuracies(Bright(), Prior(), one_class, wrong, 0) is None
    Prior.conditions.names = []
    assert results.code_accuracies(Bright(), Prior(), split, wrong, 0) is None


def test_reports_what_the_codebook_is_used_for():
    class Half:
        num_levels = 3
        codes = np.array([0, 0, 1, 1, 3, 3, 7, 7]).reshape(2, 2, 2, 1)

        def encode(self, images):
            return self.codes

        def decode(self, codes):
            return np.ones((2, 2, 2, 1))

    report = results.measure_codes(Half(), np.zeros((2, 2, 2, 1)))
    assert report == {"squared_error": 0.25, "perplexity": 4.0, "codes_used": 4}


def test_a_damaged_auto_encoder_is_told(tmp_path):
    (tmp_path / "vq_vae.keras").write_bytes(b"half of one")
    with pytest.raises(ValueError, match=r"is damaged.*Remove it"):
        results.load_vq_vae(RunFolder(tmp_path))


@pytest.fixture(scope="module")
def finished(run, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "vq"
    done = run("vq_prior", *TINY, f"--workdir={workdir}")
    assert done.returncode == 0, done.stderr
    return workdir


def test_the_program_writes_figures_and_a_picture(finished):
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["code_shape"] == [4, 4, 1] and metrics["test_images"] == 180
    scores = metrics["prior"]
    assert scores["uniform_bits_per_dim"] == 3.0
    assert 0 < scores["test_bits_per_dim"] < 3.5
    expected = 16 * scores["test_bits_per_dim"]
    assert scores["test_bits_per_image"] == pytest.approx(expected)
    assert 1 <= metrics["vq_vae"]["test_perplexity"] <= 8
    assert 0 < metrics["vq_vae"]["test_squared_error"] < 0.5
    found = metrics["classifier"]
    assert (found["test_images"], found["samples"]) == (180, 500)
    assert found["test_accuracy"] > 0.9 > found["sample_accuracy"]
    assert found["test_accuracy"] > found["reconstruction_accuracy"]
    # Originals, what comes back of them, and two samples of each class.
    with Image.open(finished / "samples.png") as picture:
        assert picture.size == (10 * 33 - 1, 4 * 33 - 1)
    prior = load_model(finished / "prior" / "model.keras")
    assert prior.image_shape == (4, 4, 1) and prior.input_encoding == "embedding"
    assert prior.sample(label=[3], seed=1).numpy().max() < 8


@pytest.mark.parametrize("config", [vq_prior_digits, vq_prior_fashion_mnist])
def test_configs_are_right(config):
    check_config(config.get_config().to_dict())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"vq_vae": None}, "vq_vae must have the fields"),
        ({"vq_vae.num_codes": 1}, "num_codes must be an integer from 2 to 65,536.*1"),
        ({"vq_vae.filters": 2.5}, "filters must be an integer of at least 1.*2.5"),
        ({"vq_vae.decay": 1.0}, r"decay must be in \[0, 1\).*1.0"),
        ({"model.likelihood": "logistic_mixture"}, "must be 'categorical'.*no order"),
        ({"horizontal_flips": True}, "horizontal_flips must be False"),
        ({"mutation_rate": 0.1}, "mutation_rate must be 0"),
        ({"initial_model": "a.keras"}, "initial_model is for trainers.train"),
        ({"task": "inpainting"}, "task is for trainers.train"),
        (
            {"sample_every": 2},
            r"sample_every is for .*must be None or 0\..*: 2",
        ),
        ({"model_class": "PixelCNN"}, r"one of \('GatedPixelCNN',\).*'PixelCNN'"),
    ],
)
def test_refuses(change, sentence):
    config = vq_prior_digits.get_config().to_dict()
    for path, value in change.items():
        *outer, name = path.split(".")
        fields = config[outer[0]] if outer else config
        fields[name] = value
    with pytest.raises(ValueError, match=sentence):
        check_config(config)
