"""Every model of the package through the codec: steps, whole passes, conditions."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import keras_pixelcnn as kp
from keras_pixelcnn.codecs import pixelcnn_codec
from keras_pixelcnn.codecs.fingerprint import fingerprint
from tests.test_case import random_conditions, random_images, randomize

SMALL = {"filters": 4, "num_blocks": 1}
MODELS = {
    "GatedPixelCNN": lambda: kp.GatedPixelCNN((3, 2, 1), 256, **SMALL),
    "conditional": lambda: kp.GatedPixelCNN(
        (3, 2, 2),
        5,
        filters=8,
        num_blocks=1,
        num_classes=3,
        spatial_shape=(3, 2, 1),
        condition_dropout=0.1,
    ),
    "PixelCNNPlusPlus": lambda: kp.PixelCNNPlusPlus(
        (2, 2, 3), 256, num_resolutions=1, **SMALL
    ),
    "PyramidPixelCNN": lambda: kp.PyramidPixelCNN(
        (3, 2, 1), 5, num_stages=2, num_classes=3, **SMALL
    ),
    "green first": lambda: kp.PyramidPixelCNN(
        (3, 2, 3), 5, num_stages=3, first_channel=1, **SMALL
    ),
    "65,536 levels": lambda: kp.GatedPixelCNN(
        (2, 2, 1), 65_536, likelihood="logistic_mixture", **SMALL
    ),
    "Diagonal BiLSTM": lambda: kp.PixelRNN(
        (2, 2, 1), 5, filters=4, num_blocks=1, cell="diagonal_bilstm"
    ),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=list(MODELS))
def test_images_come_back_in_the_bits_of_the_model(make, monkeypatch):
    """Likely ones and noise, and a stream as long as `log_prob` says."""
    monkeypatch.setattr(pixelcnn_codec, "most_slices_in_graphs", lambda: 1)
    model = randomize(make(), scale=0.2)
    count = 100 if model.num_levels <= 256 else 8
    codec = kp.codecs.PixelCNNCodec(model, batch_size=count)
    images = random_images(model, count)
    conditions = random_conditions(model, count)
    data = codec.compress(images, **conditions)
    asked = {name: conditions[name] for name in conditions if name == "spatial"}
    np.testing.assert_array_equal(codec.decompress(data, **asked), images)
    bits = -model.log_prob(images, **conditions).numpy().sum() / np.log(2)
    overhead = 8 * (300 + len(kp.codecs.read_header(data).conditions))
    leak = 2 * images.size * model.num_levels / 2**24
    assert 0.999 * bits - 64 < 8 * len(data) < 1.001 * bits + overhead + leak


def test_a_fingerprint_is_of_config_and_weights_and_not_of_the_name():
    model = randomize(MODELS["conditional"]())
    another = type(model).from_config({**model.get_config(), "name": "another"})
    assert fingerprint(another) != fingerprint(model)
    another.set_weights(model.get_weights())
    assert fingerprint(another) == fingerprint(model)
    weight = another.weights[-1]
    weight.assign(np.nextafter(weight.numpy(), np.float32(1)))
    assert fingerprint(another) != fingerprint(model)
    other = type(model).from_config({**model.get_config(), "condition_dropout": 0.2})
    other.set_weights(model.get_weights())
    assert fingerprint(other) != fingerprint(model)


def test_a_copy_of_a_codec_reads_its_streams():
    """Once a lock could not be copied."""
    model = randomize(MODELS["GatedPixelCNN"]())
    codec = kp.codecs.PixelCNNCodec(model, batch_size=3)
    assert copy.deepcopy(codec).batch_size == 3
    other = pickle.loads(pickle.dumps(codec))
    assert other is not codec and other.batch_size == 3
    images = random_images(model, 5)
    stream = codec.compress(images)
    np.testing.assert_array_equal(other.decompress(stream), images)


def test_codecs_of_a_model_share_its_graphs_and_do_not_keep_it(monkeypatch):
    """Once each codec traced anew, and left 10 MB and more behind."""
    traced = []
    model = randomize(MODELS["GatedPixelCNN"]())
    scan = type(model).scan
    monkeypatch.setattr(
        type(model), "scan", lambda *args: traced.append(args) or scan(*args)
    )
    images = random_images(model, 5)
    for batch_size in (3, 5):
        codec = kp.codecs.PixelCNNCodec(model, batch_size)
        np.testing.assert_array_equal(codec.decompress(codec.compress(images)), images)
    assert len(traced) == 1
    traced.clear()
    reference = weakref.ref(model)
    del model, codec
    gc.collect()
    assert reference() is None
