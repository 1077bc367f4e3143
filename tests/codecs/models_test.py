"""Every model of the package through the codec: steps, whole passes, conditions."""

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
    "PixelCNN": lambda: kp.PixelCNN((3, 2, 1), 5, **SMALL),
    "PixelCNNPlusPlus": lambda: kp.PixelCNNPlusPlus(
        (2, 2, 3), 256, num_resolutions=1, **SMALL
    ),
    "65,536 levels": lambda: kp.GatedPixelCNN(
        (2, 2, 1), 65_536, likelihood="logistic_mixture", **SMALL
    ),
    "Row LSTM": lambda: kp.PixelRNN((3, 2, 1), 5, filters=4, num_blocks=1),
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
    copy = type(model).from_config({**model.get_config(), "name": "another"})
    assert fingerprint(copy) != fingerprint(model)
    copy.set_weights(model.get_weights())
    assert fingerprint(copy) == fingerprint(model)
    weight = copy.weights[-1]
    weight.assign(np.nextafter(weight.numpy(), np.float32(1)))
    assert fingerprint(copy) != fingerprint(model)
    other = type(model).from_config({**model.get_config(), "condition_dropout": 0.2})
    other.set_weights(model.get_weights())
    assert fingerprint(other) != fingerprint(model)
