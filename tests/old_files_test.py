"""Files that version 0.1.0 wrote load, and give what they gave then."""

import hashlib
import json
import pathlib
import zipfile

import keras
import numpy as np
import pytest

import keras_pixelcnn as kp
from keras_pixelcnn.codecs.errors import NumericsError
from keras_pixelcnn.codecs.fingerprint import fingerprint
from keras_pixelcnn.models import load_model

pytestmark = pytest.mark.op_by_op

WRITTEN = pathlib.Path(__file__).parent / "data" / "0.1.0"
EXPECTED = json.loads((WRITTEN / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", EXPECTED)
def test_models_of_an_earlier_version_load_and_answer_alike(name):
    model = load_model(WRITTEN / f"{name}.keras", keras.Model)
    expected = EXPECTED[name]
    image = np.asarray(expected["image"], "uint8")
    conditions = expected.get("conditions", {})
    if "log_prob" in expected:
        answer = model.log_prob(image, **conditions)
        np.testing.assert_allclose(answer, expected["log_prob"], rtol=1e-5)
    if "sample" in expected:
        answer = model.sample(len(image), seed=1, **conditions)
        np.testing.assert_array_equal(answer, expected["sample"])
    if "encode" in expected:
        np.testing.assert_allclose(
            model.encode(image), expected["encode"], rtol=1e-4, atol=1e-6
        )
    if "elbo" in expected:
        np.testing.assert_allclose(
            model.elbo(image, seed=1), expected["elbo"], rtol=1e-4
        )
    if "embed" in expected:
        np.testing.assert_allclose(
            model.embed(image), expected["embed"], rtol=1e-4, atol=1e-6
        )


@pytest.mark.parametrize("name", sorted(name for name in EXPECTED if "pixel" in name))
def test_models_of_an_earlier_version_have_the_fingerprint_that_they_had(name):
    """Once an argument that was added made all streams those of another model."""
    path = WRITTEN / f"{name}.keras"
    saved = json.loads(zipfile.ZipFile(path).read("config.json"))
    model, config = keras.models.load_model(path), saved["config"]
    del config["name"], config["trainable"]
    expected = hashlib.blake2b(saved["class_name"].encode(), digest_size=16)
    expected.update(json.dumps(config, sort_keys=True).encode())
    for weight in map(np.asarray, model.weights):
        expected.update(f"{weight.shape}{weight.dtype}".encode() + weight.tobytes())
    assert fingerprint(model) == expected.digest()


@pytest.mark.parametrize("name", ["gated_pixelcnn", "gated_pixelcnn_mixture"])
@pytest.mark.op_by_op(False)
def test_streams_of_an_earlier_version_decode_or_name_the_machine_they_need(name):
    if name in EXPECTED:
        expected = EXPECTED[name]["image"]
    else:
        expected = np.random.default_rng(0).integers(0, 64, (3, 4, 4, 1))
    model = keras.models.load_model(WRITTEN / f"{name}.keras")
    stream = (WRITTEN / f"{name}.stream").read_bytes()
    codec = kp.codecs.PixelCNNCodec(model)
    try:
        decoded = codec.decompress(stream)
    except NumericsError as error:  # probabilities come out otherwise here
        assert "tensorflow 2.21" in str(error)
    else:
        np.testing.assert_array_equal(decoded, expected)
    # Streams of today have the values of mixtures in digits.
    again = codec.decompress(codec.compress(np.asarray(expected, "uint8")))
    np.testing.assert_array_equal(again, expected)
